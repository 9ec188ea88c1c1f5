package result

import (
	"xfrmscope/analyze/stage"
)

// NoStage names the weight of kernel stacks that no stage claims, UserStage
// that of stacks without a kernel frame.
const (
	NoStage   = stage.Unmatched
	UserStage = stage.User
)
