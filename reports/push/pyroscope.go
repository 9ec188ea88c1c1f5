package push

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// Pyroscope sends profiles to a Pyroscope server, or to anything that speaks
// its push API: push.v1.PusherService/Push of github.com/grafana/pyroscope/api
// (push/v1/push.proto), as a Connect unary call over HTTP.
type Pyroscope struct {
	URL    string      // "http://host:4040"
	Header http.Header // added to every request: Authorization, X-Scope-OrgID
}

// pushPath is the path of the call (connectrpc.com/docs/protocol: the
// procedure's name).
const pushPath = "/push.v1.PusherService/Push"

// Push sends the profiles, one a request, and returns how many were taken.
func (c *Pyroscope) Push(ctx context.Context, profiles []Profile) (taken int, err error) {
	target, err := endpoint(c.URL, pushPath)
	if err != nil {
		return 0, err
	}
	for _, p := range profiles {
		_, err := send(ctx, http.MethodPost, target, "application/proto", c.Header, pushRequest(p))
		if err != nil {
			return taken, fmt.Errorf("profile of %s: %w", p.Run, err)
		}
		taken++
	}
	return taken, nil
}

// pushRequest encodes a PushRequest of one series with one sample:
//
//	PushRequest      { repeated RawProfileSeries series = 1 }
//	RawProfileSeries { repeated LabelPair labels = 1; repeated RawSample samples = 2 }
//	LabelPair        { string name = 1; string value = 2 }
//	RawSample        { bytes raw_profile = 1 }
func pushRequest(p Profile) []byte {
	var series []byte
	for _, l := range p.Labels {
		series = field(series, 1, field(field(nil, 1, []byte(l.Name)), 2, []byte(l.Value)))
	}
	series = field(series, 2, field(nil, 1, p.Pprof))
	return field(nil, 1, series)
}

// field appends a length-delimited field.
func field(b []byte, number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, number, protowire.BytesType), value)
}

// An Error is a server's refusal.
type Error struct {
	URL    string
	Status string // "400 Bad Request"
	Text   string // the beginning of what it said
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s answered %s: %s", e.URL, e.Status, e.Text)
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 4096

// send returns the beginning of the answer.
func send(ctx context.Context, method, target, kind string, header http.Header,
	body []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode/100 != 2 {
		return nil, &Error{target, resp.Status, utf8(strings.TrimSpace(string(text)))}
	}
	return text, err
}

func endpoint(server, path string) (string, error) {
	u, err := url.Parse(server)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return "", fmt.Errorf("%q is no address of a server: write for example http://localhost:4040", server)
	}
	return u.JoinPath(path).String(), nil
}
