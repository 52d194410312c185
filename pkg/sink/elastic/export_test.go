package elastic

import (
	"encoding/hex"
	"fmt"

	"github.com/kubewitness/kubewitness/pkg/ecs"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// NewShort makes a sink of documents that say only of which shape they are.
func NewShort(cfg Config) (*Sink, error) {
	id := func(e *record.Event) string { return hex.EncodeToString(e.ID[:4]) }
	return newSink(cfg, encoder{
		id:          id,
		detectionID: func(e *record.Event, i int) string { return fmt.Sprintf("%s-%d", id(e), i) },
		event: func(dst []byte, e *record.Event, _ *ecs.Options) []byte {
			return fmt.Appendf(dst, `{"shape":"full","raw":%s}`, e.Event.Raw)
		},
		reduced: func(dst []byte, e *record.Event, _ *ecs.Options, why string) []byte {
			return fmt.Appendf(dst, `{"shape":"reduced","why":%q}`, why)
		},
		detection: func(dst []byte, e *record.Event, i int, _ *ecs.Options) []byte {
			return fmt.Appendf(dst, `{"shape":"detection"}`)
		},
		isEntry: ecs.FromGKE,
		entry: func(dst []byte, _ *record.Event, _ *ecs.Options) []byte {
			return fmt.Appendf(dst, `{"shape":"entry"}`)
		},
		reducedEntry: func(dst []byte, _ *record.Event, _ *ecs.Options, why string) []byte {
			return fmt.Appendf(dst, `{"shape":"reduced entry","why":%q}`, why)
		},
	})
}
