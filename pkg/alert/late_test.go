package alert_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/kubewitness/kubewitness/pkg/alert"
	"github.com/kubewitness/kubewitness/pkg/audit"
	"github.com/kubewitness/kubewitness/pkg/falco/rules"
	"github.com/kubewitness/kubewitness/pkg/match"
)

// TestLateIsSaidInTheAnswer and nowhere else: Falco's lines stay Falco's.
func TestLateIsSaidInTheAnswer(t *testing.T) {
	a := &alert.Alert{Event: &audit.Event{Time: time.Unix(1_800_000_000, 0)}, Detection: match.Detection{Rule: &rules.Rule{Name: "r", Priority: rules.Notice}}}
	answer, text, falco := alert.AppendAnswer(nil, a, alert.Options{}), alert.AppendText(nil, a, alert.Options{}), alert.AppendFalcoJSON(nil, a, alert.Options{})
	a.Late = 3 * time.Hour
	assert.Equal(t, string(answer)+"  (late: happened 3h before)", string(alert.AppendAnswer(nil, a, alert.Options{})))
	assert.Contains(t, string(alert.AppendAnswer(nil, a, alert.Options{Color: true})), "\x1b[33m(late: happened 3h before)\x1b[0m")
	assert.Equal(t, string(text), string(alert.AppendText(nil, a, alert.Options{})))
	assert.Equal(t, string(falco), string(alert.AppendFalcoJSON(nil, a, alert.Options{})))
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Hour + 1: "1h", 3 * time.Hour: "3h", 3*time.Hour + 20*time.Minute: "3h20m", 10*time.Hour + 10*time.Minute + 29*time.Second: "10h10m",
		time.Hour + 59*time.Minute + 31*time.Second: "2h", 20 * time.Hour: "20h", 48*time.Hour - time.Minute: "47h59m", 48*time.Hour - 1: "48h", 48 * time.Hour: "2d",
		12*24*time.Hour + 23*time.Hour: "12d", 10 * time.Minute: "10m", 1<<63 - 1: "106751d",
	} {
		assert.Equal(t, want, alert.Span(d), d.String())
	}
}
