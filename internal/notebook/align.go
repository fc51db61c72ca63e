package notebook

import (
	"slices"
	"strings"
)

// Align gives the cells of a document that was read anew the ids that the same cells have in base. Files before 4.5 hold no
// ids, and some programs write new ones: without it every cell would be another. A cell is the same when it has the id, or
// else the type and source, in the order of base; of cells without an id in the file also those that stand between the same two
// neighbours and are alike. The cells themselves are not changed: d gets copies where an id is another.
func (d *Document) Align(base *Document) { d.Cells = alignedCells(base, d) }

func alignedCells(base, d *Document) []*Cell {
	a := aligner{base: base.Cells, cells: slices.Clone(d.Cells)}
	inBase := map[CellID]int{}
	for i, c := range base.Cells {
		inBase[c.ID] = i
	}
	pairs := make([]int, len(a.cells)) // the place in base of the same cell, -1 for none
	for i, c := range a.cells {
		pairs[i] = -1
		if at, ok := inBase[c.ID]; ok {
			pairs[i] = at
		}
	}
	if slices.Index(pairs, -1) < 0 {
		return a.cells
	}
	a.pair(pairs)
	for i, at := range pairs {
		if at >= 0 && a.cells[i].ID != base.Cells[at].ID {
			c := *a.cells[i]
			c.ID, c.AsIs = base.Cells[at].ID, false
			a.cells[i] = &c
		}
	}
	return a.cells
}

type aligner struct {
	base, cells []*Cell
}

// pair finds partners for cells that have none.
func (a *aligner) pair(pairs []int) {
	used := make([]bool, len(a.base))
	for _, at := range pairs {
		if at >= 0 {
			used[at] = true
		}
	}
	a.pairEqual(pairs, used)
	// Between two cells that have partners in order, look for what is alike.
	for begin := 0; begin < len(pairs); {
		if pairs[begin] >= 0 {
			begin++
			continue
		}
		end := begin
		for end < len(pairs) && pairs[end] < 0 {
			end++
		}
		from, to := 0, len(a.base)
		if begin > 0 {
			from = pairs[begin-1] + 1
		}
		if end < len(pairs) {
			to = pairs[end]
		}
		a.pairAlike(pairs, used, begin, end, from, to)
		begin = end
	}
}

// key is what makes cells without ids the same.
func (c *Cell) key() string { return c.Type + "\x00" + c.Source }

// pairEqual pairs cells of the same type and source: by the longest common begin and end, then by the first in order that is free.
func (a *aligner) pairEqual(pairs []int, used []bool) {
	begin := 0
	for begin < min(len(pairs), len(used)) && a.equalAt(pairs, used, begin, begin) {
		begin++
	}
	for n := 1; n <= min(len(pairs), len(used))-begin && a.equalAt(pairs, used, len(pairs)-n, len(used)-n); n++ {
	}
	places := map[string][]int{}
	for at, c := range a.base {
		if !used[at] {
			places[c.key()] = append(places[c.key()], at)
		}
	}
	last := -1
	for i, c := range a.cells {
		if pairs[i] >= 0 {
			last = pairs[i]
			continue
		}
		list := places[c.key()]
		if len(list) == 0 {
			continue
		}
		n, _ := slices.BinarySearch(list, last) // the next in order, else the first of all
		if n == len(list) {
			n = 0
		}
		pairs[i] = list[n]
		used[list[n]] = true
		last = list[n]
		places[c.key()] = slices.Delete(slices.Clone(list), n, n+1)
	}
}

// equalAt pairs two places if they are the same, and says whether they are.
func (a *aligner) equalAt(pairs []int, used []bool, i, at int) bool {
	if pairs[i] >= 0 || used[at] {
		return pairs[i] == at
	}
	if a.cells[i].key() != a.base[at].key() {
		return false
	}
	pairs[i], used[at] = at, true
	return true
}

// pairAlike pairs, in order, cells without ids in [begin, end) with free ones of base in [from, to): one to one when they are as
// many, else those that are alike.
func (a *aligner) pairAlike(pairs []int, used []bool, begin, end, from, to int) {
	var cells, places []int
	for i := begin; i < end; i++ {
		if a.cells[i].NoID {
			cells = append(cells, i)
		}
	}
	for at := from; at < to && len(places) < 200; at++ {
		if !used[at] {
			places = append(places, at)
		}
	}
	oneToOne := len(cells) == len(places)
	for _, i := range cells {
		for n, at := range places {
			fits := oneToOne && n == 0 || alike(a.base[at].Source, a.cells[i].Source)
			if fits && a.base[at].Type == a.cells[i].Type {
				pairs[i], used[at], places = at, true, places[n+1:]
				break
			}
			if oneToOne {
				places = places[1:]
				break
			}
		}
	}
}

// alike says whether half of the longer text is at the begin and end of the shorter one.
func alike(a, b string) bool {
	begin := 0
	for begin < min(len(a), len(b)) && a[begin] == b[begin] {
		begin++
	}
	end := 0
	for end < min(len(a), len(b))-begin && a[len(a)-1-end] == b[len(b)-1-end] {
		end++
	}
	return strings.TrimSpace(a) != "" && 2*(begin+end) >= max(len(a), len(b))
}
