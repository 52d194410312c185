// Package pubsub is Pub/Sub for tests of the whole service: Google's fake of it, behind a front that hands messages out as
// quickly as Pub/Sub does. The fake alone hands out about a hundred a second.
//
// Nothing about messages is decided here: which there are, who has them, what is acknowledged and what comes again is the
// fake's. When a stream ends, as that of a process that was killed does, what it had comes again at once and not at the end of
// its deadline: the sooner, the harder for who receives.
package pubsub

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Subscription is there, and gets what is published.
const (
	Subscription = "projects/acme/subscriptions/audit"
	topic        = "projects/acme/topics/audit"
)

// Bounds of what is handed out.
const (
	atOnce    = 500                  // messages in one response
	pollEvery = 5 * time.Millisecond // how often is looked for messages
)

// Server is a Pub/Sub with one subscription.
type Server struct {
	*pstest.GServer // the other calls are its own

	t    testing.TB
	fake *pstest.Server
	addr string

	mu    sync.Mutex
	out   map[string]*stream // what was handed out and is not settled, by the ID that it is settled with
	acked map[string]bool    // what was acknowledged, by the same
}

// stream is one that messages are handed out on.
type stream struct {
	to  pubsubpb.Subscriber_StreamingPullServer
	max int

	sending sync.Mutex // a stream is for one sender

	// Guarded by Server.mu.
	ids []string // all that was handed out
	n   int      // of these, those that are not settled
}

// New makes a server on this machine, which ends with the test.
func New(t testing.TB) *Server {
	s := &Server{t: t, fake: pstest.NewServer(), out: map[string]*stream{}, acked: map[string]bool{}}
	s.GServer = &s.fake.GServer
	_, err := s.CreateTopic(t.Context(), &pubsubpb.Topic{Name: topic})
	s.must(err)
	_, err = s.CreateSubscription(t.Context(), &pubsubpb.Subscription{Name: Subscription, Topic: topic, AckDeadlineSeconds: 600})
	s.must(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	s.must(err)
	s.addr = l.Addr().String()
	front := grpc.NewServer()
	pubsubpb.RegisterSubscriberServer(front, s)
	pubsubpb.RegisterPublisherServer(front, s.GServer)
	go func() { _ = front.Serve(l) }()
	t.Cleanup(func() {
		front.Stop()
		_ = s.fake.Close()
	})
	return s
}

func (s *Server) must(err error) {
	if err != nil {
		s.t.Error("Pub/Sub for tests:", err) // not Fatal: whoever publishes may be another goroutine
	}
}

// Addr is where it is, for PUBSUB_EMULATOR_HOST.
func (s *Server) Addr() string { return s.addr }

// Fake is Google's fake behind the front.
func (s *Server) Fake() *pstest.Server { return s.fake }

// Publish publishes messages.
func (s *Server) Publish(data ...[]byte) {
	req := &pubsubpb.PublishRequest{Topic: topic}
	for _, d := range data {
		req.Messages = append(req.Messages, &pubsubpb.PubsubMessage{Data: d})
	}
	_, err := s.GServer.Publish(context.Background(), req)
	s.must(err)
}

// Acked is how many acknowledgements have come.
func (s *Server) Acked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.acked)
}

// Unacked is how many messages nobody has acknowledged, and how often those that were came again.
func (s *Server) Unacked() (left, again int) {
	for _, m := range s.fake.Messages() {
		switch {
		case m.Acks == 0:
			left++
		case m.Deliveries > 1:
			again += m.Deliveries - 1
		}
	}
	return left, again
}

// Acknowledge implements pubsubpb.SubscriberServer.
func (s *Server) Acknowledge(ctx context.Context, req *pubsubpb.AcknowledgeRequest) (*emptypb.Empty, error) {
	s.settled(req.AckIds, true)
	return s.GServer.Acknowledge(ctx, req)
}

// ModifyAckDeadline implements pubsubpb.SubscriberServer. A deadline of 0 hands messages back.
func (s *Server) ModifyAckDeadline(ctx context.Context, req *pubsubpb.ModifyAckDeadlineRequest) (*emptypb.Empty, error) {
	if req.AckDeadlineSeconds == 0 {
		s.settled(req.AckIds, false)
	}
	return s.GServer.ModifyAckDeadline(ctx, req)
}

func (s *Server) settled(ids []string, acked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range ids {
		if st := s.out[id]; st != nil {
			st.n--
			delete(s.out, id)
			if acked {
				s.acked[id] = true
			}
		}
	}
}

// StreamingPull implements pubsubpb.SubscriberServer.
func (s *Server) StreamingPull(to pubsubpb.Subscriber_StreamingPullServer) error {
	first, err := to.Recv()
	if err != nil {
		return err
	}
	if _, err := s.GetSubscription(to.Context(), &pubsubpb.GetSubscriptionRequest{Subscription: first.Subscription}); err != nil {
		return err
	}
	st := &stream{to: to, max: int(first.MaxOutstandingMessages)}
	if st.max <= 0 {
		st.max = 1000
	}
	ended := make(chan error, 1)
	go func() {
		for {
			if _, err := to.Recv(); err != nil {
				ended <- err
				return
			}
			_ = st.send(&pubsubpb.StreamingPullResponse{}) // a ping; when the stream is broken, the next Recv says so
		}
	}()
	defer s.takeBack(first.Subscription, st)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		n, err := s.handOut(first.Subscription, st)
		if err != nil {
			return err
		}
		if n == atOnce {
			continue
		}
		select {
		case <-ended: // by whom it receives
			return nil
		case <-to.Context().Done():
			return nil
		case <-tick.C:
		}
	}
}

func (st *stream) send(r *pubsubpb.StreamingPullResponse) error {
	st.sending.Lock()
	defer st.sending.Unlock()
	return st.to.Send(r)
}

// handOut hands out some of what there is.
func (s *Server) handOut(subscription string, st *stream) (int, error) {
	s.mu.Lock()
	room := min(st.max-st.n, atOnce)
	s.mu.Unlock()
	if room <= 0 {
		return 0, nil
	}
	//lint:ignore SA1019 otherwise the fake answers half a second late
	got, err := s.Pull(st.to.Context(), &pubsubpb.PullRequest{Subscription: subscription, MaxMessages: int32(room), ReturnImmediately: true})
	if err != nil || len(got.ReceivedMessages) == 0 {
		return 0, err
	}
	out := &pubsubpb.StreamingPullResponse{}
	s.mu.Lock()
	for _, m := range got.ReceivedMessages {
		out.ReceivedMessages = append(out.ReceivedMessages, proto.CloneOf(m)) // the fake goes on using its own
		s.out[m.AckId] = st
		st.ids = append(st.ids, m.AckId)
	}
	st.n += len(got.ReceivedMessages)
	s.mu.Unlock()
	return len(out.ReceivedMessages), st.send(out)
}

// takeBack makes what was handed out, and is not settled, come again.
func (s *Server) takeBack(subscription string, st *stream) {
	_, _ = s.ModifyAckDeadline(context.Background(), &pubsubpb.ModifyAckDeadlineRequest{Subscription: subscription, AckIds: st.ids})
}
