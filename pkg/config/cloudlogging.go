package config

import "time"

// CloudLogging reads the audit log of GKE from the Cloud Logging API.
type CloudLogging struct {
	Resources       []string      `mapstructure:"resources" doc:"What to read the logs of: projects/NAME, folders/NUMBER, organizations/NUMBER, billingAccounts/ID, or a view of a log bucket. None: off."`
	Filter          string        `mapstructure:"filter" doc:"A filter in the Logging query language that entries must meet besides ours, such as resource.labels.cluster_name=\"prod\"."`
	CredentialsFile string        `mapstructure:"credentials_file" doc:"File with a service account's key, or with the configuration of workload identity federation. Empty: application default credentials, which in GKE are those of Workload Identity."`
	Tail            bool          `mapstructure:"tail" doc:"Follow with entries.tail, which is quicker and costs no read requests. Otherwise, and while it fails, the log is polled."`
	Poll            time.Duration `mapstructure:"poll" least:"1s" doc:"How often the log is asked for what is new while it is polled."`
	Overlap         time.Duration `mapstructure:"overlap" least:"1s" doc:"How late entries may come: so far back the log is read again. What is known is not stored again."`
	Since           time.Duration `mapstructure:"since" doc:"How far back to begin where no earlier position is known. 0: now."`
	RequestsPerMin  int           `mapstructure:"requests_per_minute" least:"1" doc:"Read requests a minute and project, for everything that reads with this data folder. Cloud Logging allows 60 unless told otherwise."`
}

// On reports whether there is a log to read.
func (c *CloudLogging) On() bool { return len(c.Resources) > 0 }

func defaultCloudLogging() CloudLogging {
	return CloudLogging{Tail: true, Poll: 10 * time.Second, Overlap: 5 * time.Minute, RequestsPerMin: 60}
}

func (j *judge) cloudLogging(CloudLogging) {}
