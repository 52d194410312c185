package web

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/kubewitness/kubewitness/pkg/api"
)

// Media types of bodies. None of them is one that a form of another site could send with
// the password that a browser keeps.
var (
	rulesTypes  = []string{"application/yaml", "application/x-yaml", "text/yaml", "application/octet-stream"}
	importTypes = []string{typeJSON, typeLines, "application/octet-stream"}
)

// bodyType refuses bodies that are of none of some types.
func (c *call) bodyType(types []string) error {
	name, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || !slices.Contains(types, name) {
		return problem(api.ProblemMediaType, "say what the body is: Content-Type "+list(types))
	}
	if e := c.r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return problem(api.ProblemMediaType, "Content-Encoding is not taken; a log that is compressed by gzip is told by its first bytes")
	}
	return nil
}

// patient is a body that may take as long as it likes, if only more of it keeps coming.
func (c *call) patient(body io.Reader) io.Reader {
	return &patientBody{body, http.NewResponseController(c.w), func() time.Time { return c.cfg.Now().Add(c.cfg.Limits.Write) }}
}

type patientBody struct {
	io.Reader
	rc    *http.ResponseController
	until func() time.Time
}

// Read implements io.Reader.
func (b *patientBody) Read(p []byte) (int, error) {
	_ = b.rc.SetReadDeadline(b.until()) // without deadlines the server's own bounds hold
	return b.Reader.Read(p)
}

// bodyProblem says what is wrong with a body that could not be read, nil if err is
// nothing of the kind.
func bodyProblem(err error) error {
	var long *http.MaxBytesError
	switch {
	case errors.As(err, &long):
		return problem(api.ProblemTooLarge, fmt.Sprintf("the body has more than %d bytes; send it in parts", long.Limit))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem(api.ProblemBody, "the body took too long; send it again")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return problem(api.ProblemBody, "the body broke off; send it again")
	}
	return nil
}
