package kibana

// Panel is a chart of a dashboard.
type Panel struct {
	ID    string // of its saved object
	Title string
	Doc   string // what it shows and what it does not, a sentence or two
	View  View
	Query string // KQL
	Chart Chart
	By    []Bucket  // from the outermost
	Show  []Measure // the first orders the buckets
	Width int       // in the 48 columns of a dashboard
	Tall  int       // height in its rows
}

// Chart is how a panel looks.
type Chart string

// Charts, by the names of Lens.
const (
	Metric Chart = "lnsMetric"    // one number
	Bars   Chart = "lnsXY"        // over time, stacked; without a time, lying
	Table  Chart = "lnsDatatable" // a row for each bucket
	Pie    Chart = "lnsPie"
)

// Bucket groups documents by the values of a field, or by time.
type Bucket struct {
	Field string
	Label string
	Size  int // so many values, those with most; 0: by time
}

// overTime is a bucket by time.
var overTime = Bucket{Field: "@timestamp", Label: "time"}

// Measure is a number for each bucket.
type Measure struct {
	Op    Op
	Field string // "" for Count
	Label string
	Query string // KQL: only documents that it finds; "": all
}

// Op is how a number is made of documents.
type Op string

// Operations, by the names of Lens.
const (
	Count  Op = "count"
	Unique Op = "unique_count" // different values, approximately beyond some thousands
	Latest Op = "max"          // of times and numbers
)

// requests counts.
func requests(label string) Measure { return Measure{Op: Count, Label: label} }

// only counts what a query finds.
func only(label, query string) Measure { return Measure{Op: Count, Label: label, Query: query} }

// different counts the values of a field.
func different(label, field string) Measure { return Measure{Op: Unique, Field: field, Label: label} }

// top groups by the values of a field.
func top(size int, label, field string) Bucket { return Bucket{field, label, size} }

// and puts a panel's condition to that of what is counted once.
func and(queries ...string) string {
	all := ""
	for _, q := range queries {
		switch {
		case q == "":
		case all == "":
			all = q
		default:
			all += " and " + q
		}
	}
	return all
}

// once makes a request count once: a request is logged at several stages.
const once = "kubewitness.last_stage: true"

// untold makes a detection count once: of a request that came as an admission review and in
// the audit log, both have it, and what came second says that it was told before.
const untold = "not kubewitness.told: *"
