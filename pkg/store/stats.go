package store

import (
	"math"
	"time"

	"github.com/VictoriaMetrics/VictoriaLogs/lib/logstorage"
)

// Stats is what a store holds and has done since it was opened.
type Stats struct {
	Rows       uint64 // stored, those in memory included
	Bytes      uint64 // on disk
	Days       uint64 // that have rows
	Parts      uint64 // files of rows, in memory and on disk
	Blocks     uint64
	ReadOnly   bool   // less than the floor of the disk is free
	Written    uint64 // rows that Write stored
	Known      uint64 // rows that Write did not store, since their IDs were there
	Outside    uint64 // rows that Write refused for their time
	Dropped    uint64 // rows that the engine dropped though Write passed them on
	Beside     uint64 // rows that were stored with a file beside them
	Removed    uint64 // days removed since the disk had too little room
	Lost       uint64 // rows that were read without what is beside them
	Syncs      uint64 // barriers
	Unsearched int    // rows that queries may not see yet
}

// Stats tells what the store holds and has done.
func (s *Store) Stats() Stats {
	end, err := s.begin()
	if err != nil {
		return Stats{}
	}
	defer end()
	var e logstorage.StorageStats
	s.engine.UpdateStats(&e)
	s.write.Lock()
	unsearched := len(s.recent)
	s.write.Unlock()
	return Stats{
		Rows:       e.RowsCount(),
		Bytes:      e.IndexdbSizeBytes + e.CompressedSmallPartSize + e.CompressedBigPartSize,
		Days:       e.PartitionsCount,
		Parts:      e.InmemoryParts + e.SmallParts + e.BigParts,
		Blocks:     e.InmemoryBlocks + e.SmallPartBlocks + e.BigPartBlocks,
		ReadOnly:   e.IsReadOnly,
		Written:    s.counts.written.Load(),
		Known:      s.counts.known.Load(),
		Outside:    s.counts.outOfRetention.Load(),
		Dropped:    e.RowsDroppedTooBigTimestamp + e.RowsDroppedTooSmallTimestamp,
		Beside:     s.counts.beside.Load(),
		Removed:    s.counts.removed.Load(),
		Lost:       s.counts.lost.Load(),
		Syncs:      s.counts.syncs.Load(),
		Unsearched: unsearched,
	}
}

// Bounds is the times of the oldest and the newest row; ok is false if there is none.
func (s *Store) Bounds() (oldest, newest time.Time, ok bool) {
	end, err := s.begin()
	if err != nil {
		return time.Time{}, time.Time{}, false
	}
	defer end()
	var e logstorage.StorageStats
	s.engine.UpdateStats(&e)
	if e.MinTimestamp == math.MinInt64 || e.MaxTimestamp == math.MaxInt64 || e.MinTimestamp > e.MaxTimestamp {
		return time.Time{}, time.Time{}, false
	}
	return time.Unix(0, e.MinTimestamp).UTC(), time.Unix(0, e.MaxTimestamp).UTC(), true
}
