package elasticsearch

import (
	"context"
	"errors"
	"time"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"
	"github.com/elastic/go-elasticsearch/v8/esapi"
)

var (
	_ = elastictransport.Config{}
	_ = esapi.BulkRequest{}
)

// Config says which cluster, and who asks. Files are read again when a call fails for
// want of rights, so that they can be replaced under a running service.
type Config struct {
	Nodes        []string      // URLs, http:// or https://, without credentials; or
	CloudID      string        // of Elastic Cloud
	APIKeyFile   string        // file with the encoded API key (what the API gives as "encoded")
	Username     string        // of basic authentication, with
	PasswordFile string        // file with the password
	CAFile       string        // authorities that sign the nodes' certificates, as PEM; "": the system's
	CertFile     string        // certificate to show to the nodes, as PEM
	KeyFile      string        // its private key
	Timeout      time.Duration // of one request; 0: 60 s
	Gzip         bool          // compress bodies of requests
	UserAgent    string
	Now          func() time.Time
}

// Client is a connection to a cluster. It is safe for concurrent use.
type Client struct{ cfg Config }

// Open makes a client. It reads the files and connects to nobody.
func Open(cfg Config) (*Client, error) { return &Client{cfg: cfg}, nil }

// Close lets go of idle connections.
func (c *Client) Close() {}

// Info is what the cluster says of itself.
type Info struct {
	Name    string
	UUID    string
	Version string // "8.19.13"
}

// Info asks which cluster it is. That it is Elasticsearch is checked.
func (c *Client) Info(context.Context) (Info, error) { return Info{}, errNotYet }

// Do sends a request with a JSON body, if there is one, and reads the JSON of the
// answer into out, if that is not nil. path begins with a slash and is escaped, with its
// query. Errors are *Refused and *Unavailable.
func (c *Client) Do(ctx context.Context, method, path string, body []byte, out any) error {
	return errNotYet
}

// BulkItem is what became of a document of a bulk request, by its place in it.
type BulkItem struct {
	Status int    // 201 created, 409 was there, 429 and 5xx to be tried again, other 4xx refused
	Index  string // the index, behind a data stream, that took it or has it; "" unless told
	Type   string // of the error
	Reason string // of the error; it may quote the document
}

// Bulk sends a body of n pairs of lines, action and document, to a data stream or an
// index, and gives one item for each pair. An answer that is cut short, cannot be read,
// or does not have n items is *Unavailable: nobody knows then what was done, and the
// same body may be sent again where its actions are creates with an _id.
func (c *Client) Bulk(ctx context.Context, target string, body []byte, n int) ([]BulkItem, error) {
	return nil, errNotYet
}

var errNotYet = errors.New("elasticsearch: not yet")
