package cloudlogging

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// Place puts projects ("projects/ID") and folders ("folders/NUMBER") right below a folder or an organization, instead of
// what was there. A "!" in front is for one that is about to be deleted.
func (s *Server) Place(parent string, children ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.below == nil {
		s.below = map[string][]string{}
	}
	s.below[parent] = slices.Clone(children)
}

// FailLists has those who look for projects answered with a status of HTTP; 0: they are not.
func (s *Server) FailLists(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failLists = status
}

// resources answers as the Cloud Resource Manager API does.
func (s *Server) resources(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, ":testIamPermissions"):
		s.testPermissions(w, r)
	case r.Method == http.MethodGet && (r.URL.Path == "/v3/projects" || r.URL.Path == "/v3/folders"):
		s.listChildren(w, r)
	default:
		http.Error(w, "no question", http.StatusBadRequest)
	}
}

// childPage is how many children a page has: few, so that there are pages.
const childPage = 2

// listChildren lists what is right below a parent, page by page.
func (s *Server) listChildren(w http.ResponseWriter, r *http.Request) {
	kind := strings.TrimPrefix(r.URL.Path, "/v3/")
	s.mu.Lock()
	status := s.failLists
	var list []map[string]string
	for _, name := range s.below[r.URL.Query().Get("parent")] {
		name, going := strings.CutPrefix(name, "!")
		id, ok := strings.CutPrefix(name, kind+"/")
		if !ok {
			continue
		}
		one := map[string]string{"name": name, "state": "ACTIVE"}
		if going {
			one["state"] = "DELETE_REQUESTED"
		}
		if kind == "projects" { // their names have numbers
			one["name"], one["projectId"] = "projects/1"+strconv.Itoa(len(id)), id
		}
		list = append(list, one)
	}
	s.mu.Unlock()
	if status != 0 {
		http.Error(w, "refused", status)
		return
	}
	from, _ := strconv.Atoi(r.URL.Query().Get("pageToken"))
	answer := map[string]any{}
	if to := from + childPage; to < len(list) {
		answer["nextPageToken"] = strconv.Itoa(to)
		list = list[:to]
	}
	answer[kind] = list[min(from, len(list)):]
	_ = json.NewEncoder(w).Encode(answer)
}
