package doctor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/runnel-dev/runnel/internal/instance"
	"github.com/runnel-dev/runnel/internal/protocol"
)

// textOf is what a cell has printed, as the page shows it.
func textOf(s *protocol.State, id protocol.CellID) string {
	cell := cellOf(s, id)
	if cell == nil {
		return ""
	}
	var text strings.Builder
	for _, output := range cell.Outputs {
		if output.Kind == protocol.KindStream && output.Text != nil {
			text.WriteString(output.Text.Head + output.Text.Tail)
		}
	}
	return text.String()
}

func (v *visit) table() {
	add := func(name, value string) { v.report.Values = append(v.report.Values, Value{name, value}) }
	add("output latency, median / p99", figures(v.printed))
	add("input response, median / p99", figures(v.answered))
	add("WebSocket connections", strconv.Itoa(v.dials))
	if v.server != nil {
		add("memory of the server", memory(v.server.PID()))
		pids, err := v.server.KeeperPIDs()
		if err != nil || len(pids) == 0 {
			add("memory of the keeper", "not known")
		}
		for _, pid := range pids {
			add("memory of the keeper", memory(pid))
		}
	}
	fmt.Fprintln(v.config.Out)
	out := tabwriter.NewWriter(v.config.Out, 0, 0, 2, ' ', 0)
	for _, value := range v.report.Values {
		fmt.Fprintf(out, "%s\t%s\n", value.Name, value.Value)
	}
	_ = out.Flush() // a terminal that is gone needs no table
}

func figures(values []float64) string {
	if len(values) == 0 {
		return "not measured"
	}
	slices.Sort(values)
	return fmt.Sprintf("%.1f / %.1f ms", values[len(values)/2], values[min(len(values)*99/100, len(values)-1)])
}

func memory(pid int) string {
	bytes, err := instance.Memory(pid)
	if err != nil {
		return "not known"
	}
	return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
}
