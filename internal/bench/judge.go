package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// summarise gives the distribution of values, which it sorts.
func summarise(values []float64) Stat {
	slices.Sort(values)
	at := func(p float64) float64 { return values[min(int(p*float64(len(values))), len(values)-1)] }
	return Stat{N: len(values), P50: at(0.5), P99: at(0.99), Max: values[len(values)-1]}
}

// bound is what Runnel has to reach in a figure.
type bound struct {
	words string
	met   func(runnel, floor Stat) bool
}

func atMost(p50, p99 float64) bound {
	b := bound{words: fmt.Sprintf("≤ %g", p50), met: func(r, _ Stat) bool { return r.P50 <= p50 }}
	if p99 > 0 {
		b = bound{words: fmt.Sprintf("≤ %g / ≤ %g", p50, p99), met: func(r, _ Stat) bool { return r.P50 <= p50 && r.P99 <= p99 }}
	}
	return b
}

// worst bounds every value.
func worst(most float64) bound {
	return bound{words: fmt.Sprintf("≤ %g always", most), met: func(r, _ Stat) bool { return r.Max <= most }}
}

var bounds = map[string]bound{
	figureTrip:   {"≤ floor + 2", func(r, f Stat) bool { return r.P50 <= f.P50+2 }},
	figurePrint:  atMost(3, 10),
	figureAnswer: atMost(2, 0),
	figurePrompt: atMost(4, 0),
	figureLines:  {"≥ 80 % of the floor", func(r, f Stat) bool { return r.P50 >= 0.8*f.P50 }},
	figureCrowd:  atMost(5, 15),
	figureRest:   atMost(25, 0),
	figureClient: atMost(1, 0),
	figureKept:   atMost(12, 0),
	figureKeeper: atMost(12, 0),

	figureStorm:         atMost(10, 0),
	figureKilled:        worst(15),
	figureCut:           worst(15),
	figureSlept:         worst(15),
	figureEndless:       atMost(1000, 0),
	figureElsewhere:     worst(100),
	figureEndlessServer: atMost(320, 0),
	figureEndlessKeeper: atMost(160, 0),
	figureTextServer:    atMost(320, 0),
	figureTextKeeper:    atMost(160, 0),
}

func judge(report *Report) {
	for i := range report.Figures {
		figure := &report.Figures[i]
		bound, ok := bounds[figure.Name]
		if !ok {
			continue
		}
		figure.Must = bound.words
		met := false
		if runnel, ok := figure.Values["Runnel"]; ok {
			met = bound.met(runnel, figure.Values["kernel itself"])
		}
		figure.Met = &met
	}
}

// Met reports whether Runnel reached all it has to reach.
func (r Report) Met() bool {
	return !slices.ContainsFunc(r.Figures, func(f Figure) bool { return f.Met != nil && !*f.Met })
}

// Print writes the report as a table: the median and the 99th percentile of
// each figure, and how Runnel compares with each of the others.
func (r Report) Print(w io.Writer) error {
	fmt.Fprintf(w, "%s, %d cores", r.Machine.Platform, r.Machine.Cores)
	if r.Machine.Memory > 0 {
		fmt.Fprintf(w, ", %d GiB", r.Machine.Memory>>30)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Machine.Versions)) {
		fmt.Fprintf(w, ", %s %s", name, r.Machine.Versions[name])
	}
	fmt.Fprint(w, "\n\n")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	head := []string{"figure (p50 / p99)", ""}
	head = append(head, r.Systems...)
	for _, name := range r.Systems {
		if name != "Runnel" {
			head = append(head, "Runnel : "+name)
		}
	}
	fmt.Fprintln(table, strings.Join(append(head, "must", ""), "\t"))
	for _, figure := range r.Figures {
		fmt.Fprintln(table, strings.Join(r.row(figure), "\t"))
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("print the report: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Notes)) {
		fmt.Fprintf(w, "! %s: %s\n", name, r.Notes[name])
	}
	return nil
}

func (r Report) row(figure Figure) []string {
	row := []string{figure.Name, figure.Unit}
	for _, name := range r.Systems {
		row = append(row, cell(figure.Values[name]))
	}
	runnel := figure.Values["Runnel"]
	for _, name := range r.Systems {
		if name == "Runnel" {
			continue
		}
		ratio := "–"
		if other := figure.Values[name]; other.N > 0 && runnel.N > 0 && other.P50 != 0 {
			ratio = fmt.Sprintf("%.2f", runnel.P50/other.P50)
		}
		row = append(row, ratio)
	}
	mark := ""
	if figure.Met != nil {
		mark = map[bool]string{true: "✓", false: "✗"}[*figure.Met]
	}
	return append(row, figure.Must, mark)
}

func cell(s Stat) string {
	switch {
	case s.N == 0:
		return "–"
	case s.N < 5:
		return number(s.P50)
	}
	return number(s.P50) + " / " + number(s.P99)
}

func number(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
