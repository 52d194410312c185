package store

import "github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"

var _ *logstorage.Storage
