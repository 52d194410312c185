package config

import (
	"time"

	"github.com/kubewitness/kubewitness/pkg/ingest/cloudlogging/query"
)

// CloudLogging reads the audit log of GKE from the Cloud Logging API.
type CloudLogging struct {
	Resources       []string      `mapstructure:"resources" doc:"What to read the logs of: projects/NAME, folders/NUMBER or organizations/NUMBER with the projects in them, billingAccounts/ID, or a view of a log bucket, projects/NAME/locations/LOCATION/buckets/BUCKET/views/VIEW. None: off."`
	Filter          string        `mapstructure:"filter" doc:"A filter in the Logging query language that entries must meet besides ours, such as resource.labels.cluster_name=\"prod\"."`
	CredentialsFile string        `mapstructure:"credentials_file" doc:"File with a service account's key, or with the configuration of workload identity federation. Empty: application default credentials, which in GKE are those of Workload Identity."`
	Tail            bool          `mapstructure:"tail" doc:"Follow with entries.tail, which is quicker and costs no read request but for the second look (overlap). While it fails, and otherwise, the log is polled."`
	Poll            time.Duration `mapstructure:"poll" least:"1s" doc:"How often the log is asked for what is new while it is polled, and for what a tail left out."`
	Overlap         time.Duration `mapstructure:"overlap" least:"1m" doc:"How long an entry may take from its receipt by Cloud Logging until it can be found: so much later all is looked for a second time. What is known is not stored again."`
	Since           time.Duration `mapstructure:"since" doc:"How far back to begin where no earlier position is known. 0: now."`
	RequestsPerMin  int           `mapstructure:"requests_per_minute" least:"1" doc:"Read requests a minute and project, for everything that reads with this data folder. Cloud Logging allows 60 unless told otherwise."`
}

// On reports whether there is a log to read.
func (c *CloudLogging) On() bool { return len(c.Resources) > 0 }

func defaultCloudLogging() CloudLogging {
	return CloudLogging{Tail: true, Poll: 10 * time.Second, Overlap: 5 * time.Minute, RequestsPerMin: 60}
}

func (j *judge) cloudLogging(c CloudLogging) {
	const at = "cloudlogging"
	seen := map[string]bool{}
	for i, r := range c.Resources {
		if err := query.CheckResource(r); err != nil {
			j.refuse(item(at+".resources", i), "%v", err)
		} else if seen[r] {
			j.refuse(item(at+".resources", i), "%q is there before; name a resource once", r)
		}
		seen[r] = true
	}
	if err := query.Check(c.Filter); err != nil {
		j.refuse(at+".filter", "cannot stand beside ours: %v", err)
	}
}
