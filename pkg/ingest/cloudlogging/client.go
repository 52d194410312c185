package cloudlogging

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net"
	"net/netip"
	"os"
	"time"

	"cloud.google.com/go/logging/apiv2/loggingpb"
	"google.golang.org/api/option"
	gtransport "google.golang.org/api/transport/grpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// EndpointVariable is the variable of the environment that names a server to ask instead of Google's, host:port, without
// TLS and credentials; on this machine only. It is for tests. The variable with "_HTTP" behind it names one that answers
// what permissions there are.
const EndpointVariable = "CLOUD_LOGGING_EMULATOR_HOST"

const (
	endpoint     = "logging.googleapis.com:443"
	resources    = "https://cloudresourcemanager.googleapis.com"
	scopeLogs    = "https://www.googleapis.com/auth/logging.read"
	scopeProject = "https://www.googleapis.com/auth/cloud-platform.read-only" // to ask which permissions there are
)

// Access says how the API is reached.
type Access struct {
	CredentialsFile string // a key, or a configuration of workload identity federation; "": application default credentials
	Endpoint        string // as EndpointVariable; "": Google's
	EndpointHTTP    string // the same for permissions
	UserAgent       string
}

// AccessOf completes an access by what the environment says.
func AccessOf(credentialsFile string, getenv func(string) string) Access {
	return Access{
		CredentialsFile: credentialsFile, Endpoint: getenv(EndpointVariable), EndpointHTTP: getenv(EndpointVariable + "_HTTP"), UserAgent: "kubewitness",
	}
}

// Client is a connection to the API. It may be used by several goroutines.
type Client struct {
	conn   *grpc.ClientConn
	api    loggingpb.LoggingServiceV2Client
	access Access
	opts   []option.ClientOption
}

// Dial makes a client. Nothing is sent before the first request.
func Dial(ctx context.Context, a Access) (*Client, error) {
	c := &Client{access: a}
	var err error
	if a.Endpoint != "" {
		c.conn, err = dialPlain(a.Endpoint)
	} else if c.opts, err = a.options(); err == nil {
		c.conn, err = gtransport.Dial(ctx, append(c.opts, option.WithEndpoint(endpoint),
			option.WithGRPCDialOption(grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32))), // a page of large entries
			option.WithGRPCDialOption(grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 5 * time.Minute, Timeout: time.Minute})),
		)...)
	}
	if err != nil {
		return nil, fmt.Errorf("cloudlogging: %w", err)
	}
	c.api = loggingpb.NewLoggingServiceV2Client(c.conn)
	return c, nil
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// dialPlain connects without TLS, to this machine only: what is sent could be read by others.
func dialPlain(hostport string) (*grpc.ClientConn, error) {
	if err := onlyLoopback(hostport); err != nil {
		return nil, err
	}
	return grpc.NewClient("passthrough:///"+hostport, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)))
}

func onlyLoopback(hostport string) error {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		return fmt.Errorf("%s: %w; write 127.0.0.1:port", EndpointVariable, err)
	}
	if addr, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !addr.IsLoopback()) {
		return fmt.Errorf("%s: %q is not this machine, and without TLS nothing is asked elsewhere; write 127.0.0.1:port", EndpointVariable, host)
	}
	return nil
}

// credentialTypes are the kinds of files that can be read.
var credentialTypes = []option.CredentialsType{
	option.ServiceAccount, option.ExternalAccount, option.ImpersonatedServiceAccount, option.AuthorizedUser,
}

func (a Access) options() ([]option.ClientOption, error) {
	opts := []option.ClientOption{option.WithScopes(scopeLogs, scopeProject), option.WithUserAgent(a.UserAgent)}
	if a.CredentialsFile == "" {
		return opts, nil
	}
	text, err := os.ReadFile(a.CredentialsFile)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	var file struct {
		Type option.CredentialsType `json:"type"`
	}
	if json.Unmarshal(text, &file) != nil { // its error could tell what is in it
		return nil, fmt.Errorf("credentials: %s is no JSON object", a.CredentialsFile)
	}
	for _, typ := range credentialTypes {
		if typ == file.Type {
			return append(opts, option.WithAuthCredentialsJSON(typ, text)), nil
		}
	}
	return nil, fmt.Errorf("credentials: %s says type %.40q; a service account's key says service_account, workload identity federation external_account", a.CredentialsFile, file.Type)
}
