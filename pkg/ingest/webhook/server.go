package webhook

import (
	"io"
	"log"
	"net/http"
	"time"
)

// What a connection may take its time for. A body may take longer than reading as
// such: the Handler puts off the end for requests that have a credential.
const (
	headerTimeout = 10 * time.Second
	readTimeout   = 15 * time.Second
	writeTimeout  = 2 * time.Minute // from the end of the header: body, waiting for its turn, the log
	idleTimeout   = 3 * time.Minute // API servers keep one connection open
	headerBytes   = 32 << 10
)

// NewServer makes a server for a Handler that no slow client can hold up. Its errors,
// such as failed handshakes, go to a log that may be nil: then they are not told.
func NewServer(h http.Handler, errors *log.Logger) *http.Server {
	if errors == nil {
		errors = log.New(io.Discard, "", 0)
	}
	return &http.Server{
		Handler: h, ErrorLog: errors, MaxHeaderBytes: headerBytes,
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
	}
}
