// Command collector is the receiver of an OpenTelemetry collector: it takes OTLP over
// HTTP at an address, and prints each request of profiles as a line of OTLP JSON. The
// test of what push sends builds it; the program itself needs none of its modules.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer/xconsumer"
	"go.opentelemetry.io/collector/pdata/pprofile"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
	"go.opentelemetry.io/collector/receiver/xreceiver"
)

func main() {
	if err := collect(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func collect(address string) error {
	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig()
	http := map[string]any{"http": map[string]any{"endpoint": address}}
	if err := confmap.NewFromStringMap(map[string]any{"protocols": http}).Unmarshal(config); err != nil {
		return err
	}
	print, err := xconsumer.NewProfiles(func(_ context.Context, p pprofile.Profiles) error {
		text, err := new(pprofile.JSONMarshaler).MarshalProfiles(p)
		if err == nil {
			_, err = fmt.Printf("%s\n", text)
		}
		return err
	})
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	r, err := factory.(xreceiver.Factory).CreateProfiles(ctx, receivertest.NewNopSettings(factory.Type()), config, print)
	if err != nil {
		return err
	}
	if err := r.Start(ctx, componenttest.NewNopHost()); err != nil {
		return err
	}
	fmt.Println("ready")
	<-ctx.Done()
	return r.Shutdown(context.Background())
}
