package jupyter

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

//go:embed variables.py
var ipythonVariables string

//go:embed ipython.py
var ipythonSetup string

// VariablesExpression, sent as a user expression of an execute request, makes
// the reply hold the user's variables; DecodeVariables reads them. A kernel that
// knows IPythonArgs answers it itself, in bounded time, and never calls the
// user's code.
const VariablesExpression = "runnel.variables"

// VariablesKey is the name under which to send VariablesExpression.
const VariablesKey = "runnel_variables"

// IPythonArgs are further arguments for ipykernel (see Spec.IsIPython). They
// make it send what is printed at once instead of after 200 ms, hold itself
// back instead of dropping messages that we have not read yet, and know
// VariablesExpression. Nothing is left in the user's namespace or history.
//
// The code travels as code_to_run, not as exec_lines: an argument replaces what
// the user's own profile says, and profiles do set exec_lines.
func IPythonArgs() []string {
	source, err := marshal(ipythonVariables + ipythonSetup)
	if err != nil {
		panic(fmt.Sprintf("jupyter: embedded setup code: %v", err))
	}
	// A JSON string of ASCII text is a Python string too.
	return []string{"--IPKernelApp.code_to_run=exec(compile(" + string(source) + ", '<runnel>', 'exec'), {'__name__': '_runnel'})"}
}

// Variable is a short description of one of the user's variables.
type Variable struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// DecodeVariables finds the answer to VariablesExpression in a reply. It is nil
// when there is none; complete is false when not all variables are in it.
func DecodeVariables(r ExecuteReply) (vars map[string]Variable, complete bool) {
	raw, ok := r.UserExpressions[VariablesKey]
	if !ok {
		return nil, false
	}
	value, err := Decode[ExpressionValue](raw)
	if err != nil || value.Status != StatusOK {
		return nil, false
	}
	vars, err = Decode[map[string]Variable](value.Data["application/json"])
	if err != nil {
		return nil, false
	}
	var meta struct {
		Complete bool `json:"complete"`
	}
	_ = json.Unmarshal(value.Metadata["application/json"], &meta)
	return vars, meta.Complete
}
