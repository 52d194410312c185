package join

import (
	"fmt"
	"testing"

	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/record"
)

// BenchmarkMeet is what a request costs of which both a review and an event come, with ten
// thousand known; and what one that nobody is asked about does.
func BenchmarkMeet(b *testing.B) {
	w := newWorld(b, Config{})
	pairs := func(n, from int) (reviews, requests []*audit.Event) {
		for i := range n {
			r, a := review(fmt.Sprint("r", from+i), 30*(from+i)+5), request(fmt.Sprint("a", from+i), 30*(from+i))
			reviews, requests = append(reviews, r.event(b)), append(requests, a.event(b))
		}
		return reviews, requests
	}
	const known = 10_000
	for from := 0; from < known; from += 1000 {
		reviews, _ := pairs(1000, from)
		w.table.Meet(record.SourceAdmission, reviews, nil)
	}
	for _, kind := range []string{"create", "get"} {
		b.Run(kind, func(b *testing.B) {
			reviews, requests := pairs(b.N, known)
			if kind == "get" {
				for i := range requests {
					read := request("a", 0, func(x *thing) { x.verb = "get" })
					reviews, requests[i] = nil, read.event(b)
				}
			}
			for _, e := range append(reviews, requests...) {
				e.Root()
			}
			var met []Meeting
			b.ReportAllocs()
			b.ResetTimer()
			for i := range requests {
				if reviews != nil {
					met = w.table.Meet(record.SourceAdmission, reviews[i:i+1], met[:0])
				}
				met = w.table.Meet(record.SourceWebhook, requests[i:i+1], met[:0])
			}
		})
	}
}
