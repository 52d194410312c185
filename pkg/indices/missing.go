package indices

import (
	"context"
	"fmt"
)

// Missing says why a data stream that is not there must not be made by the first
// document: its index template is not there either, and a template of somebody else, such
// as the one that every server has for logs, would make it with other types. It is nil
// where the template is there, or where the caller may not look.
func (s *Setup) Missing(ctx context.Context, stream string) error {
	for _, k := range s.Options.kinds() {
		if s.Options.stream(k) != stream {
			continue
		}
		name := s.Options.template(k)
		given, err := s.given(ctx, resource("index template", name, "/_index_template/", "", nil))
		if code := status(err); code == 401 || code == 403 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the index template %s cannot be looked for: %s", name, Reason(err))
		}
		if given == nil && k == entries {
			if theirs, err := s.elastics(ctx); err != nil || theirs {
				return err
			}
		}
		if given == nil {
			return fmt.Errorf("neither the data stream %s nor its index template %s is there; run kubewitness elastic setup", stream, name)
		}
	}
	return nil
}
