// Package push sends what a report holds to servers that keep many of them:
// profiles to Pyroscope and OpenTelemetry, figures to Prometheus.
//
//	Labels      what tells one run from another, the same on profiles and figures
//	Profiles -> Pyroscope   one pprof profile of each event of each run
//	         -> OTLP        the same as OTLP profiles
//	Figures  -> OpenMetrics a file, for `promtool tsdb create-blocks-from openmetrics`
//	         -> Gateway     a Pushgateway, which Prometheus scrapes
//
// A server that refuses something is an *Error with the server's own words;
// what it took before stays there.
package push
