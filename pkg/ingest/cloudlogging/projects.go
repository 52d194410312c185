package cloudlogging

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	htransport "google.golang.org/api/transport/http"
)

// PermissionProjects is what it takes to find the projects of a folder or an organization; roles/browser has it.
const PermissionProjects = "resourcemanager.projects.list"

// Bounds of what is found below a folder or an organization.
const (
	maxProjects = 1000
	maxDepth    = 10 // Google allows as many folders in folders
)

// HasProjects tells whether projects can be in a resource: it is a folder or an organization, and no view of a log bucket.
func HasProjects(resource string) bool {
	kind, rest, _ := strings.Cut(resource, "/")
	return (kind == "folders" || kind == "organizations") && !strings.Contains(rest, "/")
}

// Projects finds the active projects in a folder or an organization, however deep, as resources ("projects/ID"), sorted.
// Those that Apps Script makes for each script are left out: no cluster is in them. The API's log of a folder has only what
// the folder itself wrote, so that what is in its projects is asked for there.
func (c *Client) Projects(ctx context.Context, container string) ([]string, error) {
	found := map[string]bool{}
	if err := c.projects(ctx, container, maxDepth, found); err != nil {
		return nil, fmt.Errorf("cloudlogging: the projects of %s: %w", container, err)
	}
	return slices.Sorted(maps.Keys(found)), nil
}

// children is a page of what is in a folder or an organization.
type children struct {
	Projects []struct {
		ID    string `json:"projectId"`
		State string `json:"state"`
	} `json:"projects"`
	Folders []struct {
		Name  string `json:"name"`
		State string `json:"state"`
	} `json:"folders"`
	Next string `json:"nextPageToken"`
}

const active = "ACTIVE"

func (c *Client) projects(ctx context.Context, parent string, depth int, found map[string]bool) error {
	err := c.pages(ctx, "projects", parent, func(page *children) error {
		for _, p := range page.Projects {
			if p.State == active && !strings.HasPrefix(p.ID, "sys-") {
				found["projects/"+p.ID] = true
			}
		}
		if len(found) > maxProjects {
			return fmt.Errorf("there are more than %d; take a log sink", maxProjects)
		}
		return nil
	})
	if err != nil || depth == 0 {
		return err
	}
	return c.pages(ctx, "folders", parent, func(page *children) error {
		for _, f := range page.Folders {
			if f.State != active {
				continue
			}
			if err := c.projects(ctx, f.Name, depth-1, found); err != nil {
				return err
			}
		}
		return nil
	})
}

// pages calls take with each page of what is right below a parent.
func (c *Client) pages(ctx context.Context, what, parent string, take func(*children) error) error {
	asked := url.Values{"parent": {parent}, "pageSize": {"300"}}
	for {
		page := new(children)
		if err := c.askResources(ctx, http.MethodGet, "/v3/"+what+"?"+asked.Encode(), nil, page); err != nil {
			return err
		}
		if err := take(page); err != nil || page.Next == "" {
			return err
		}
		asked.Set("pageToken", page.Next)
	}
}

// permissions asks which of some permissions there are on a project, folder or organization.
func (c *Client) permissions(ctx context.Context, container string, wanted []string) (granted []string, err error) {
	body, err := json.Marshal(map[string][]string{"permissions": wanted})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Permissions []string `json:"permissions"`
	}
	err = c.askResources(ctx, http.MethodPost, "/v3/"+container+":testIamPermissions", body, &answer)
	return answer.Permissions, err
}

// askResources asks the Cloud Resource Manager API.
func (c *Client) askResources(ctx context.Context, method, path string, body []byte, answer any) error {
	at, client := resources, http.DefaultClient
	switch {
	case c.access.EndpointHTTP != "":
		if err := onlyLoopback(c.access.EndpointHTTP); err != nil {
			return err
		}
		at = "http://" + c.access.EndpointHTTP
	case c.access.Endpoint != "":
		return errors.New("there is nobody to ask")
	default:
		var err error
		if client, _, err = htransport.NewClient(ctx, c.opts...); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, at+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the Cloud Resource Manager API answers %s%s", resp.Status, hintOf(method, resp.StatusCode))
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 4<<20)).Decode(answer); err != nil {
		return fmt.Errorf("the answer of the Cloud Resource Manager API: %w", err)
	}
	return nil
}

func hintOf(method string, status int) string {
	if method == http.MethodGet && status == http.StatusForbidden {
		return "; roles/browser on it has the permission " + PermissionProjects + ", and cloudresourcemanager.googleapis.com must be enabled"
	}
	return ""
}
