package script

import (
	"context"
	"fmt"
	"math"
	"time"
)

// measureRepeats is how often Measure instantiates a program.
const measureRepeats = 5

// Measure tells what each run of the program pays before its entry executes:
// the time of all modules' top levels, the fastest of a few.
func (p *Pool) Measure(program *Program) (time.Duration, error) {
	v, err := p.acquire(context.Background())
	if err != nil {
		return 0, err
	}
	e := &Exec{pool: p, vm: v, program: program, result: make(chan *Turn, 1)}
	best := time.Duration(math.MaxInt64)
	turn := e.execute(func(v *vm) error {
		f, err := v.factories.get(v.engine, program)
		for i := 0; i < measureRepeats && err == nil; i++ {
			started := time.Now()
			_, err = v.measure.Call(undefined, f)
			best = min(best, time.Since(started))
		}
		return err
	})
	if !turn.Done {
		e.Close()
	}
	if turn.Err != nil {
		return 0, fmt.Errorf("instantiate the program: %w", turn.Err)
	}
	return best, nil
}
