package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files of the version that is written now")

// full is a record that has everything.
func full() Record {
	return Record{
		Kind: "webhook", Cluster: "prod-eu", Received: time.Unix(1767323045, 123456789).UTC(),
		Ruleset: []byte{0xde, 0xad}, Extra: []byte(`{"region":"eu"}`),
		Events: []Item{
			{Flags: 1 << 40, Raw: []byte(`{"auditID":"a"}`), Detections: []byte(`[{"rule":"r"}]`), Notes: []byte(`["/x"]`)},
			{Raw: []byte(`{"auditID":"b"}`)},
			{},
		},
		Dead: []DeadLetter{{Reason: "syntax", Raw: []byte("{\x00"), Size: 9000, Digest: []byte{1, 2, 3}}, {}},
	}
}

func encoded(r Record) []byte { return appendRecord(nil, &r) }

func TestRecordRoundTrip(t *testing.T) {
	for name, r := range map[string]Record{
		"full":         full(),
		"empty":        {Received: time.Unix(0, 0).UTC()},
		"no time":      {},
		"before 1970":  {Received: time.Date(1900, 1, 2, 3, 4, 5, 6, time.UTC)},
		"far":          {Received: time.Date(9999, 12, 31, 23, 59, 59, 999999999, time.UTC)},
		"not UTF-8":    {Cluster: "\xff\x00", Received: time.Unix(1, 0).UTC()},
		"only dead":    {Dead: []DeadLetter{{Size: 1}}},
		"large":        {Events: []Item{{Raw: bytes.Repeat([]byte("x"), 1<<17)}}},
		"empty events": {Events: make([]Item, 300)},
	} {
		t.Run(name, func(t *testing.T) {
			b := encoded(r)
			got, err := decodeRecord(b)
			require.NoError(t, err)
			assert.Equal(t, r, got)
			assert.LessOrEqual(t, len(b), sizeHint(&r))
		})
	}
	local := Record{Received: time.Unix(5, 6).In(time.FixedZone("x", 3600)), Extra: []byte{}}
	got, err := decodeRecord(encoded(local))
	require.NoError(t, err)
	assert.Equal(t, Record{Received: time.Unix(5, 6).UTC()}, got)
}

func TestRecordRefusesGarbage(t *testing.T) {
	whole := encoded(full())
	for i := range whole {
		_, err := decodeRecord(whole[:i])
		require.ErrorIs(t, err, errMalformed, "cut at %d", i)
	}
	for name, b := range map[string][]byte{
		"left over":           append(bytes.Clone(whole), 0),
		"longer varint":       append([]byte{0x80, 0x00}, encoded(Record{})[1:]...),
		"overlong varint":     bytes.Repeat([]byte{0xff}, 11),
		"events without end":  {0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f},
		"dead without end":    {0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f},
		"bytes without end":   {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		"too many nanosecond": {0, 0, 0, 0x80, 0x94, 0xeb, 0xdc, 0x03, 0, 0, 0, 0},
	} {
		_, err := decodeRecord(b)
		require.ErrorIs(t, err, errMalformed, name)
	}
}

// groupOf makes the message of a group, as Append would.
func groupOf(t testing.TB, writer uint64, rs ...Record) []byte {
	t.Helper()
	items := make([]*pending, len(rs))
	for i := range rs {
		var err error
		items[i], err = newPending(&rs[i], DefaultMaxRecord)
		require.NoError(t, err)
	}
	m := group(writer, items, DefaultMaxPayload)
	require.NotNil(t, m)
	return m
}

func chunksOf(t testing.TB, writer, number uint64, r Record, limit int) [][]byte {
	t.Helper()
	p, err := newPending(&r, DefaultMaxRecord)
	require.NoError(t, err)
	ms := messages(writer, []*pending{p}, limit, func() uint64 { return number })
	require.Greater(t, len(ms), 1)
	for _, m := range ms {
		require.LessOrEqual(t, len(m), limit)
	}
	return ms
}

// noise is drawn once: under the race detector that takes long.
var noise = sync.OnceValue(func() []byte {
	b := make([]byte, 16<<20)
	var seed [32]byte
	_, _ = rand.NewChaCha8(seed).Read(b)
	return b
})

// incompressible is n bytes that nothing makes smaller, not to be written to.
func incompressible(n int) []byte { return noise()[:n:n] }

// TestGolden: what a version of this program wrote, all later ones read.
func TestGolden(t *testing.T) {
	large := full()
	large.Events[1].Raw = []byte(strings.Repeat(`{"auditID":"b"}`, 2000))
	dense := Record{Kind: "noise", Cluster: "c", Received: time.Unix(1, 2).UTC(), Events: []Item{{Raw: incompressible(9000)}}}
	for name, tt := range map[string]struct {
		make func() [][]byte
		want []Record
	}{
		"v1-group":  {func() [][]byte { return [][]byte{groupOf(t, 7, full(), event("x"))} }, []Record{full(), event("x")}},
		"v1-blocks": {func() [][]byte { return [][]byte{groupOf(t, 7, event("x"), large, event("y"))} }, []Record{event("x"), event("y"), large}},
		"v1-chunks": {func() [][]byte { return chunksOf(t, 7, 3, dense, 4<<10) }, []Record{dense}},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join("testdata", "golden", name)
			if *update {
				var b []byte
				for _, m := range tt.make() {
					b = appendBytes(b, m)
				}
				require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
				require.NoError(t, os.WriteFile(path, b, 0o644))
			}
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			a := assembler{limit: 1 << 20}
			var got []Record
			d := decoder{b: b}
			for seq := uint64(1); d.rest() > 0; seq++ {
				p, err := a.add(seq, time.Time{}, d.bytes())
				require.NoError(t, err)
				got = append(got, p.records...)
			}
			require.NoError(t, d.end())
			assert.Equal(t, tt.want, got)
		})
	}
}

// TestMessageRefusesDamage: no bit can turn, and no byte go, unnoticed.
func TestMessageRefusesDamage(t *testing.T) {
	for name, whole := range map[string][]byte{"group": groupOf(t, 7, full()), "chunk": chunksOf(t, 7, 1, Record{Extra: incompressible(9000)}, 4<<10)[2]} {
		t.Run(name, func(t *testing.T) {
			for i := range whole {
				_, err := decodeMessage(whole[:i])
				require.Error(t, err, "cut at %d", i)
				broken := bytes.Clone(whole)
				broken[i] ^= 1 << (i % 8)
				_, err = decodeMessage(broken)
				require.Error(t, err, "bit turned in %d", i)
			}
		})
	}
}

func sealed(b ...byte) []byte { return seal(bytes.Clone(b)) }

func TestMessageRefusesGarbage(t *testing.T) {
	head := func(kind byte, body ...byte) []byte {
		return sealed(append([]byte{version, kind, 0, 0, 0, 0, 0, 0, 0, 9}, body...)...)
	}
	for name, tt := range map[string]struct {
		b    []byte
		want string
	}{
		"empty":              {nil, "0 bytes"},
		"kind":               {head(3), "kind 3 is unknown"},
		"one chunk":          {head(kindChunk, 1, 0, 1, 1, 'x'), "0 of 1"},
		"chunk beyond":       {head(kindChunk, 1, 2, 2, 1, 'x'), "2 of 2"},
		"record 0":           {head(kindChunk, 0, 0, 2, 1, 'x'), "of record 0"},
		"empty piece":        {head(kindChunk, 1, 0, 2, 0), "0 bytes"},
		"chunk left over":    {head(kindChunk, 1, 0, 2, 1, 'x', 'y'), "1 bytes left over"},
		"codec":              {head(kindGroup, 9, 0, 0), "codec 9 is unknown"},
		"plain lengths":      {head(kindGroup, codecPlain, 2, 1, 'x'), "2 and 1 bytes long"},
		"not S2":             {head(kindGroup, codecS2, 5, 1, 0xff), "S2 data"},
		"S2 of other length": {head(kindGroup, codecS2, 5, 1, 0), "S2 data of 0 bytes, announced as 5"},
		"bomb":               {head(kindGroup, codecS2, 0xff, 0xff, 0xff, 0x7f, 1, 0), "the limit is"},
		"no length":          {head(kindGroup, codecPlain), "no varint"},
		"record left over":   {head(kindGroup, codecPlain, 1, 1, 0), "no varint"},
		"record too long":    {head(kindGroup, codecPlain, 1, 1, 5), "5 bytes announced"},
	} {
		t.Run(name, func(t *testing.T) {
			a := assembler{limit: 1 << 20}
			_, err := a.add(1, time.Time{}, tt.b)
			require.ErrorIs(t, err, errMalformed)
			require.ErrorContains(t, err, tt.want)
		})
	}
	later := sealed(append([]byte{version + 1}, make([]byte, 20)...)...)
	_, err := decodeMessage(later)
	require.ErrorAs(t, err, new(unknownVersion))
	require.False(t, errors.Is(err, errMalformed))
}

func TestAssembler(t *testing.T) {
	big := func(n byte) Record { return Record{Kind: string('a' + rune(n)), Extra: incompressible(9000)} }
	a := chunksOf(t, 1, 1, big(0), 4<<10) // three chunks each
	b := chunksOf(t, 2, 1, big(1), 4<<10)
	c := chunksOf(t, 1, 2, big(2), 4<<10)
	g := groupOf(t, 1, event("x"))
	require.Len(t, a, 3)
	type step struct {
		data []byte
		kind string   // of the record that is complete now
		torn []uint64 // sequences
	}
	for name, steps := range map[string][]step{
		"alone":         {{a[0], "", nil}, {a[1], "", nil}, {a[2], "a", nil}, {g, "test", nil}},
		"two writers":   {{a[0], "", nil}, {b[0], "", nil}, {a[1], "", nil}, {b[1], "", nil}, {b[2], "b", nil}, {a[2], "a", nil}},
		"torn by next":  {{a[0], "", nil}, {a[1], "", nil}, {c[0], "", []uint64{1, 2}}, {c[1], "", nil}, {c[2], "c", nil}},
		"torn by group": {{a[0], "", nil}, {g, "test", []uint64{1}}},
		"gap":           {{a[0], "", nil}, {a[2], "", []uint64{1, 2}}},
		"no beginning":  {{a[1], "", []uint64{1}}, {a[2], "", []uint64{2}}},
		"twice":         {{a[0], "", nil}, {a[0], "", nil}, {a[1], "", nil}, {a[0], "", nil}, {a[2], "a", nil}},
	} {
		t.Run(name, func(t *testing.T) {
			asm := assembler{limit: 1 << 20}
			for i, s := range steps {
				p, err := asm.add(uint64(i+1), time.Time{}, s.data)
				require.NoError(t, err)
				kind := ""
				for _, r := range p.records {
					kind += r.Kind
				}
				assert.Equal(t, s.kind, kind, "step %d", i)
				assert.Equal(t, s.torn, p.torn, "step %d", i)
			}
		})
	}
	asm := assembler{limit: 5000}
	_, err := asm.add(1, time.Time{}, a[0])
	require.NoError(t, err)
	p, err := asm.add(2, time.Time{}, a[1])
	require.ErrorContains(t, err, "a record of more than 5000 bytes")
	assert.Equal(t, []uint64{1, 2}, p.seqs)
}

func TestGroupFits(t *testing.T) {
	const limit = 64 << 10
	q := newQueue(1 << 30)
	sizes := rand.New(rand.NewPCG(1, 2))
	var want, got []Record
	for i := range 300 {
		r := Record{Kind: "k", Received: time.Unix(int64(i), 0).UTC(), Extra: incompressible(1 + sizes.IntN(40<<10))}
		p, err := newPending(&r, DefaultMaxRecord)
		require.NoError(t, err)
		_, ok := q.push(p)
		require.True(t, ok)
		want = append(want, r)
	}
	a := assembler{limit: limit}
	for len(q.items) > 0 {
		items := q.next(limit)
		m := group(1, items, limit)
		require.NotNil(t, m, "a group that does not fit: %d items", len(items))
		require.LessOrEqual(t, len(m), limit)
		p, err := a.add(1, time.Time{}, m)
		require.NoError(t, err)
		got = append(got, p.records...)
	}
	assert.ElementsMatch(t, want, got)
}

// FuzzRecord: what a decoder takes has exactly one encoding, the one it read.
func FuzzRecord(f *testing.F) {
	f.Add(encoded(full()))
	f.Add(encoded(Record{}))
	f.Add([]byte{0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRecord(b)
		if err != nil {
			require.ErrorIs(t, err, errMalformed)
			return
		}
		require.Equal(t, b, encoded(r))
		require.LessOrEqual(t, len(b), sizeHint(&r))
	})
}

// FuzzMessage reads a message whose checksum is right, whatever else is in it: no
// panic, no memory beyond the limit, and what comes out goes in again.
func FuzzMessage(f *testing.F) {
	for _, m := range append(chunksOf(f, 7, 1, Record{Extra: incompressible(9000)}, 4<<10), groupOf(f, 7, full(), event("x")), groupOf(f, 1)) {
		f.Add(m[:len(m)-tailLen])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		a := assembler{limit: 1 << 20}
		m := seal(bytes.Clone(b))
		require.Equal(t, crc32.Checksum(b, castagnoli), binary.LittleEndian.Uint32(m[len(b):]))
		p, err := a.add(1, time.Time{}, m)
		if err != nil {
			return
		}
		if len(p.records) > 0 {
			items := make([]*pending, len(p.records))
			for i := range p.records {
				items[i], err = newPending(&p.records[i], 1<<30)
				require.NoError(t, err)
			}
			again, err := a.add(2, time.Time{}, group(1, items, 1<<30))
			require.NoError(t, err)
			require.Equal(t, counted(p.records), counted(again.records))
		}
	})
}

// counted is a bag of records; a message may hold a hundred thousand empty ones.
func counted(records []Record) map[string]int {
	bag := map[string]int{}
	for i := range records {
		bag[string(appendRecord(nil, &records[i]))]++
	}
	return bag
}
