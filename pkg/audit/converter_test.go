package audit

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// parcels is a converter of objects with a member "parcel", which is the event. Those that say "later" are kept.
type parcels struct {
	kept []Converted
}

func (p *parcels) Concerns(piece []byte) bool { return bytes.Contains(piece, []byte(`"parcel"`)) }

func (p *parcels) Convert(item []byte) ([]Converted, error) {
	v, err := ParseValue(bytes.Clone(item))
	if err != nil {
		return nil, err
	}
	parcel := v.Get("parcel")
	switch {
	case !parcel.Exists():
		return nil, ErrForeign
	case parcel.Kind() == Null:
		return nil, nil
	case parcel.Kind() != Object:
		return nil, errors.New("an odd parcel")
	}
	made := Converted{Raw: parcel.Raw(), Cluster: "c", Labels: map[string]string{"a": "b"}, Identity: Identity{7}}
	if _, later := v.Get("later").Bool(); later {
		p.kept = append(p.kept, made)
		return nil, nil
	}
	return []Converted{made, made}, nil
}

func (p *parcels) Flush() []Converted {
	kept := p.kept
	p.kept = nil
	return kept
}

func parcel(id string) string {
	return `{"parcel":{"kind":"Event","auditID":"` + id + `","stage":"Panic","stageTimestamp":"2026-11-19T08:00:00Z","requestObject":{"a":[1]}}}`
}

// unpack reads an input through a converter: the auditIDs and, for rejections, the reasons.
func unpack(t *testing.T, src io.Reader) (seen []string, end error) {
	t.Helper()
	r := NewReader(src, "parcels", Limits{})
	r.ConvertWith(new(parcels))
	for {
		e, err := r.Next()
		var rej *Rejection
		switch {
		case err == nil:
			seen = append(seen, e.AuditID)
		case errors.As(err, &rej):
			seen = append(seen, "rejected: "+string(rej.Reason))
		default:
			_, again := r.Next()
			assert.Equal(t, err, again)
			return seen, err
		}
	}
}

func TestReaderConverts(t *testing.T) {
	plain := `{"kind":"Event","auditID":"plain","stageTimestamp":"2026-11-19T08:00:00Z"}`
	later := strings.Replace(parcel("late"), `{"parcel"`, `{"later":true,"parcel"`, 1)
	for name, c := range map[string]struct {
		input string
		want  []string
	}{
		"among events":            {plain + parcel("x") + plain, []string{"plain", "x", "x", "plain"}},
		"in arrays":               {"[" + plain + "," + parcel("x") + "]", []string{"plain", "x", "x"}},
		"kept to the end":         {later + plain, []string{"plain", "late"}},
		"kept, and broken behind": {later + "\n{", []string{"rejected: syntax", "late"}},
		"kept in an open array":   {"[" + later, []string{"rejected: syntax", "late"}},
		"passed over":             {`{"parcel":null}` + plain, []string{"plain"}},
		"refused":                 {`{"parcel":3}` + plain, []string{"rejected: entry", "plain"}},
		"no event in it":          {`{"parcel":{"kind":"Event"}}` + plain, []string{"rejected: entry", "plain"}},
		"no kind in it":           {`{"parcel":{"stageTimestamp":"2026-11-19T08:00:00Z"}}`, []string{"rejected: entry"}},
		"not the converter's":     {`{"other":1}` + plain, []string{"rejected: kind", "plain"}},
		"of a kind of its own":    {`{"kind":"Parcel","parcel":{}}`, []string{"rejected: kind"}},
		"not in lists of events":  {`{"kind":"EventList","items":[` + parcel("x") + `]}`, []string{"rejected: time"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, src := range []io.Reader{strings.NewReader(c.input), iotest.OneByteReader(strings.NewReader(c.input))} {
				seen, end := unpack(t, src)
				assert.Equal(t, io.EOF, end)
				assert.Equal(t, c.want, seen)
			}
		})
	}
	t.Run("kept when the input fails", func(t *testing.T) {
		broken := errors.New("broken")
		seen, end := unpack(t, io.MultiReader(strings.NewReader(later), iotest.ErrReader(broken)))
		assert.ErrorIs(t, end, broken)
		assert.Equal(t, []string{"late"}, seen)
	})
}

// TestConvertedEvents holds that a converted event is one as any other, and has the identity that came with it.
func TestConvertedEvents(t *testing.T) {
	r := NewReader(strings.NewReader("\n "+parcel("x")), "parcels", Limits{})
	r.ConvertWith(new(parcels))
	e, err := r.Next()
	require.NoError(t, err)
	for _, e := range []*Event{e, e.Clone()} {
		assert.Equal(t, Identity{7}, e.Identity())
		assert.Equal(t, "c", e.Cluster)
		assert.Equal(t, map[string]string{"a": "b"}, e.Labels)
		assert.Equal(t, "Panic", e.Stage)
		assert.Equal(t, "1", e.Root().Path("requestObject", "a").Index(0).Text())
		assert.EqualValues(t, 2, e.Line)
		assert.EqualValues(t, 2, e.Offset)
	}
	e.SourceID = Identity{}
	assert.NotEqual(t, Identity{7}, e.Identity())
}
