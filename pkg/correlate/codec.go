package correlate

type codec struct{}

func (t *threshold) transfer(x *codec, s *Stream)  {}
func (t *sequence) transfer(x *codec, s *Stream)   {}
func (t *terms) transfer(x *codec, s *Stream)      {}
func (t *completion) transfer(x *codec, s *Stream) {}
func (t *silence) transfer(x *codec, s *Stream)    {}
