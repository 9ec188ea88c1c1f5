package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"xfrmscope/collect/bundle"
	"xfrmscope/collect/probe"
	"xfrmscope/collect/scenario"
)

// An Error is a host that failed, and at what.
type Error struct {
	Host string
	Step string // "copying the program"
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("host %s: %s: %v", e.Host, e.Step, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// A Session is a host with its agent running.
type Session struct {
	Host  Host
	CPUs  scenario.Machine // the host's CPUs
	Clock bundle.Clock     // as of the last run

	*wire[answer, request]
	in      io.Closer
	end     func() error // waits for the agent to end
	failed  bool         // its last run did not end as it should: what it says next is not known
	answers chan answer  // closed at the end, when broken says why
	broken  error
	resume  chan struct{} // lets the reader go on after the bytes of a file
}

// newSession greets an agent that reads from w and writes to r.
func newSession(ctx context.Context, h Host, r io.Reader, w io.WriteCloser, end func() error) (*Session, error) {
	s := &Session{Host: h, wire: newWire[answer, request](r, w), in: w, end: end, answers: make(chan answer, 16),
		resume: make(chan struct{})}
	go s.read()
	first, err := s.next(ctx)
	if err == nil && first.Hello == nil {
		err = errors.New("the agent does not greet")
	}
	if err == nil && first.Hello.Schema != bundle.SchemaVersion {
		err = fmt.Errorf("the agent writes bundles of schema %d, this program %d", first.Hello.Schema,
			bundle.SchemaVersion)
	}
	if err != nil {
		_ = s.Close()
		return nil, &Error{h.Name, "starting the agent", err}
	}
	s.CPUs = first.Hello.CPUs
	return s, nil
}

// read hands on answers. After a File it waits: the bytes are the receiver's.
func (s *Session) read() {
	defer close(s.answers)
	for {
		a, err := s.receive()
		if err != nil {
			s.broken = err
			return
		}
		s.answers <- a
		if a.File != nil {
			if _, ok := <-s.resume; !ok {
				return
			}
		}
	}
}

func (s *Session) next(ctx context.Context) (answer, error) {
	select {
	case a, ok := <-s.answers:
		if !ok {
			return a, s.gone()
		}
		return a, nil
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}

// gone says why there are no more answers.
func (s *Session) gone() error {
	err := s.broken
	if err == nil || errors.Is(err, io.EOF) {
		err = errors.New("the connection is closed")
	}
	if end := s.end(); end != nil {
		err = fmt.Errorf("%w: %w", err, end)
	}
	return err
}

// Close ends the agent, and with it what it measures.
func (s *Session) Close() error {
	err := s.in.Close()
	go func() {
		for a := range s.answers { // lets the reader see the end
			if a.File != nil {
				close(s.resume)
				return
			}
		}
	}()
	return errors.Join(err, s.end())
}

// roundTrips is how often the clocks are compared: the shortest trip counts.
const roundTrips = 20

// SyncClock compares the host's clock with this one's.
func (s *Session) SyncClock(ctx context.Context, against string) error {
	s.Clock = bundle.Clock{Against: against}
	for i := range roundTrips {
		sent := probe.Monotonic()
		if err := s.send(request{Clock: true}); err != nil {
			return &Error{s.Host.Name, "comparing clocks", err}
		}
		a, err := s.next(ctx)
		if err == nil && a.ClockNS == 0 {
			err = errors.New("the agent answers something else")
		}
		if err != nil {
			return &Error{s.Host.Name, "comparing clocks", err}
		}
		got := probe.Monotonic()
		if half := (got - sent + 1) / 2; i == 0 || half < s.Clock.ErrorNS {
			s.Clock.OffsetNS, s.Clock.ErrorNS = a.ClockNS-(sent+half), half
		}
	}
	return nil
}

// fetch writes the agent's bundle to dir, which must not exist, checks it and
// names the clock in its manifest.
func (s *Session) fetch(ctx context.Context, dir string) error {
	if _, err := os.Lstat(dir); err == nil {
		return &bundle.ExistsError{Path: dir}
	}
	if err := s.send(request{Fetch: true}); err != nil {
		return err
	}
	incoming := dir + ".incoming"
	if err := errors.Join(os.RemoveAll(incoming), os.MkdirAll(incoming, 0o755)); err != nil {
		return err
	}
	for {
		a, err := s.next(ctx)
		switch {
		case err != nil:
			return err
		case a.Failed != "":
			return errors.New(oneLine(a.Failed))
		case a.File != nil:
			if err := s.save(incoming, *a.File); err != nil {
				return err
			}
			s.resume <- struct{}{}
		case a.Fetched:
			return s.adopt(incoming, dir)
		}
	}
}

// save writes one file of a bundle; it never leaves the directory.
func (s *Session) save(dir string, f file) error {
	if f.Size < 0 || f.Name == "" || f.Name != path.Clean(f.Name) || !filepath.IsLocal(filepath.FromSlash(f.Name)) {
		return fmt.Errorf("the agent sends a file %q of %d bytes", f.Name, f.Size)
	}
	full := filepath.Join(dir, filepath.FromSlash(f.Name))
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		return err
	}
	out, err := os.OpenFile(full, os.O_WRONLY|os.O_CREATE|os.O_EXCL, bundle.ModeOf(f.Name))
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.CopyN(out, s.r, f.Size); err != nil {
		return fmt.Errorf("receiving %s: %w", f.Name, err)
	}
	if err := out.Sync(); err != nil {
		return err
	}
	return out.Close()
}

func (s *Session) adopt(incoming, dir string) error {
	run, err := bundle.Open(bundle.DirFS(incoming), incoming)
	if err == nil {
		err = run.Verify()
	}
	if err == nil {
		err = bundle.Amend(incoming, func(m *bundle.Manifest) {
			clock := s.Clock
			m.Clock = &clock
		})
	}
	if err != nil {
		return err
	}
	return os.Rename(incoming, dir)
}
