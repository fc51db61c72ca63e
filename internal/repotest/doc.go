// Package repotest holds tests about the repository itself: which package may
// import which, that each says what it is for, and that no file names a person's
// machine. It has no code of its own.
//
// Its key idea: a rule that nobody checks is a wish. Each failure says the reason
// of its rule, so that who meets it can obey or change the rule on purpose.
package repotest
