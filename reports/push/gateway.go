package push

import (
	"context"
	"encoding/base64"
	"net/http"

	"xfrmscope/analyze/result"
)

// Gateway sends figures to a Prometheus Pushgateway, which keeps the last ones
// of each group until Prometheus scrapes them.
type Gateway struct {
	URL    string // "http://host:9091"
	Group  string // label "push" of all figures; the next Put of the group replaces them
	Header http.Header
}

// Put replaces the group's figures by those of the Result.
func (g *Gateway) Put(ctx context.Context, r *result.Result) error {
	// A base64 value may hold any character: the gateway's README, "URL".
	target, err := endpoint(g.URL,
		"/metrics/job/"+Service+"/push@base64/"+base64.RawURLEncoding.EncodeToString([]byte(g.Group)))
	if err != nil {
		return err
	}
	body, err := text(r)
	if err != nil {
		return err
	}
	_, err = send(ctx, http.MethodPut, target, "text/plain; version=0.0.4; charset=utf-8", g.Header, body)
	return err
}
