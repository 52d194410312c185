package output

import "fmt"

// Format is how a detection is written.
type Format uint8

// The formats.
const (
	FalcoJSON Format = iota // Falco's JSON line
	Text                    // Falco's text line
	Answer                  // who did what, where; repeats on one line with their count
)

var formatNames = [...]string{FalcoJSON: "falco-json", Text: "text", Answer: "answer"}

// String gives the name that configurations use.
func (f Format) String() string {
	if int(f) < len(formatNames) {
		return formatNames[f]
	}
	return fmt.Sprintf("format %d", uint8(f))
}

// ParseFormat reads the name of a format: "falco-json", "text" or "answer".
func ParseFormat(s string) (Format, error) {
	for f, name := range formatNames {
		if s == name {
			return Format(f), nil
		}
	}
	return 0, fmt.Errorf("output: unknown format %q; it is falco-json, text or answer", s)
}
