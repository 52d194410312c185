package pubsub

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
)

// client is Google's library.
type client struct {
	pubsub *pubsub.Client
	from   *pubsub.Subscriber
}

// dialerOf makes a dialer of Google's library.
func dialerOf(cfg Config) (dialer, error) {
	if cfg.Emulator != "" && !here(cfg.Emulator) {
		return nil, fmt.Errorf("pubsub: PUBSUB_EMULATOR_HOST is %q, which is another machine; an emulator is spoken to in plain text and without credentials, and so on this machine only", cfg.Emulator)
	}
	var options []option.ClientOption
	if cfg.CredentialsFile != "" && cfg.Emulator == "" {
		kind, err := credentialsKind(cfg.CredentialsFile)
		if err != nil {
			return nil, err
		}
		options = append(options, option.WithAuthCredentialsFile(kind, cfg.CredentialsFile))
	}
	project, err := projectOf(cfg.Subscription)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, note func(error)) (connection, error) {
		options := append(options[:len(options):len(options)], option.WithTelemetryDisabled(),
			option.WithGRPCDialOption(grpc.WithChainStreamInterceptor(listened(note))))
		c, err := pubsub.NewClient(ctx, project, options...)
		if err != nil {
			return nil, err
		}
		from := c.Subscriber(cfg.Subscription)
		from.ReceiveSettings.MaxOutstandingMessages = cfg.Outstanding
		from.ReceiveSettings.MaxOutstandingBytes = cfg.OutstandingBytes
		from.ReceiveSettings.MaxExtension = cfg.maxExtension()
		from.ReceiveSettings.MaxDurationPerAckExtension = leaseStep
		return &client{pubsub: c, from: from}, nil
	}, nil
}

// leaseStep is for how long leases are prolonged at a time, and so how long it takes at most until what a process had comes
// again when it was killed. Left alone, the library goes by how long messages take, up to ten minutes.
const leaseStep = time.Minute

func projectOf(subscription string) (string, error) {
	parts := strings.Split(subscription, "/")
	if len(parts) != 4 || parts[0] != "projects" || parts[1] == "" || parts[2] != "subscriptions" || parts[3] == "" {
		return "", fmt.Errorf("pubsub: %q is no subscription; write projects/PROJECT/subscriptions/NAME", subscription)
	}
	return parts[1], nil
}

// here tells whether an address is on this machine.
func here(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// credentialsKind reads which kind of credentials a file has, which the library wants to be told, so that nobody slips it
// another kind.
func credentialsKind(file string) (option.CredentialsType, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("pubsub: credentials: %w", err)
	}
	var kind struct{ Type option.CredentialsType }
	if err := json.Unmarshal(text, &kind); err != nil {
		return "", fmt.Errorf("pubsub: credentials: %s holds no JSON", file) // the error could quote of it
	}
	switch kind.Type {
	case option.ServiceAccount, option.ExternalAccount, option.AuthorizedUser, option.ImpersonatedServiceAccount:
		return kind.Type, nil
	}
	return "", fmt.Errorf("pubsub: credentials: %s is neither a service account's key nor a configuration of workload identity federation", file)
}

func (c *client) receive(ctx context.Context, f func(context.Context, incoming)) error {
	return c.from.Receive(ctx, func(ctx context.Context, m *pubsub.Message) {
		f(ctx, incoming{id: m.ID, data: m.Data, published: m.PublishTime, attempt: m.DeliveryAttempt, from: m})
	})
}

func (c *client) close() { _ = c.pubsub.Close() } // nothing of it is needed any more

// settledIn is after which time a stream that nothing has come from counts as one that works.
const settledIn = 10 * time.Second

// listened tells when streams cannot be opened, or break at once, and when they work: the library opens them again and again
// without a word, for as long as Pub/Sub cannot be reached. That a stream which worked ends is nothing to tell; Pub/Sub ends
// each of them now and then.
func listened(note func(error)) grpc.StreamClientInterceptor {
	return func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
		stream, err := open(ctx, desc, cc, method, opts...)
		if err != nil {
			tell(note, err)
			return nil, err
		}
		return &listener{ClientStream: stream, note: note, quiet: time.AfterFunc(settledIn, func() { note(nil) })}, nil
	}
}

func tell(note func(error), err error) {
	if st, ok := grpcstatus.FromError(err); ok && st.Code() != codes.Canceled {
		note(err)
	}
}

type listener struct {
	grpc.ClientStream
	note  func(error)
	quiet *time.Timer // runs until it is known whether the stream works
}

// RecvMsg implements grpc.ClientStream.
func (l *listener) RecvMsg(m any) error {
	err := l.ClientStream.RecvMsg(m)
	switch unknown := l.quiet.Stop(); {
	case !unknown:
	case err == nil:
		l.note(nil)
	default:
		tell(l.note, err)
	}
	return err
}
