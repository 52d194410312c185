package elasticsearch

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// OpenPIT opens a point in time over a target, as that of [Client.Search], and returns
// its id. Each search in it keeps it open for as long as that search says.
func (c *Client) OpenPIT(ctx context.Context, target string, keep time.Duration) (id string, err error) {
	query := url.Values{"keep_alive": {strconv.FormatInt(keep.Milliseconds(), 10) + "ms"}}
	var opened struct{ ID string }
	if err := c.Do(ctx, http.MethodPost, "/"+escape(target)+"/_pit?"+query.Encode(), nil, &opened); err != nil {
		return "", err
	}
	return opened.ID, nil
}

// ClosePIT closes a point in time. One that is gone already is no error.
func (c *Client) ClosePIT(ctx context.Context, id string) error {
	body, err := json.Marshal(struct {
		ID string `json:"id"`
	}{id})
	if err != nil {
		return err
	}
	err = c.Do(ctx, http.MethodDelete, "/_pit", body, nil)
	if missing(err) {
		return nil
	}
	return err
}
