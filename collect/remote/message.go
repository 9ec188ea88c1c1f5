package remote

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/scenario"
)

// maxLine bounds a message: a plan, or the text of an error.
const maxLine = 4 << 20

// A request is what the coordinator wants; exactly one field is set.
type request struct {
	Clock  bool         `json:"clock,omitempty"`   // the agent's CLOCK_MONOTONIC
	Record *bundle.Plan `json:"record,omitempty"`  // make a run; Ready when its window could open
	OpenNS int64        `json:"open_ns,omitempty"` // open it then, by the agent's clock
	Stop   bool         `json:"stop,omitempty"`    // end the window now, keep what was measured
	Fetch  bool         `json:"fetch,omitempty"`   // send the bundle and remove it
}

// An answer is one thing the agent says; exactly one field is set.
type answer struct {
	Hello    *hello `json:"hello,omitempty"`
	ClockNS  int64  `json:"clock_ns,omitempty"`
	Progress string `json:"progress,omitempty"`
	Ready    bool   `json:"ready,omitempty"`
	Done     *done  `json:"done,omitempty"`
	File     *file  `json:"file,omitempty"` // its bytes follow
	Fetched  bool   `json:"fetched,omitempty"`
	Failed   string `json:"failed,omitempty"` // the request itself
}

// hello is the agent's first answer.
type hello struct {
	Tool   string           `json:"tool"`
	Host   string           `json:"host"` // as it names itself
	Schema int              `json:"schema"`
	CPUs   scenario.Machine `json:"cpus"`
}

// done ends a run.
type done struct {
	Bundle bool   `json:"bundle"`          // there is one to fetch
	Error  string `json:"error,omitempty"` // why it is partial, or why there is none
}

type file struct {
	Name string `json:"name"` // slash-separated, below the bundle
	Size int64  `json:"size"`
}

// A wire carries messages, and bytes between them.
type wire[In, Out any] struct {
	r  *bufio.Reader
	mu sync.Mutex // messages are written by several goroutines
	w  io.Writer
}

func newWire[In, Out any](r io.Reader, w io.Writer) *wire[In, Out] {
	return &wire[In, Out]{r: bufio.NewReaderSize(r, 64<<10), w: w}
}

func (c *wire[In, Out]) send(m Out) error {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err = c.w.Write(append(line, '\n'))
	return err
}

// receive reads the next message; io.EOF at the end.
func (c *wire[In, Out]) receive() (In, error) {
	var m In
	var line []byte
	for {
		part, err := c.r.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			return m, fmt.Errorf("a message of more than %d bytes", maxLine)
		}
		line = append(line, part...)
		switch {
		case err == nil:
			if err := json.Unmarshal(line, &m); err != nil {
				return m, fmt.Errorf("%q is no message: %w", line[:min(len(line), 200)], err)
			}
			return m, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return m, io.ErrUnexpectedEOF
		default:
			return m, err
		}
	}
}
