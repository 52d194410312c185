package output

import (
	"os"
	"time"
)

// SetSync makes a file sync in another way: no disk fails on demand.
func (f *File) SetSync(sync func(*os.File) error) { f.sync = sync }

// RetryAfter is retryAfter.
func RetryAfter(value string, now time.Time) time.Duration { return retryAfter(value, now) }
