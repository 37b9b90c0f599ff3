// Package channel is the entry from and to an external system: its
// configuration, its token, who may use it, and how a request becomes the input
// of a run and a run's output the answer.
//
// It must not know how runs are kept or executed, nor listen to anything.
package channel
