package notebook

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"unicode"
)

// maxID is the longest id that a cell may have, in bytes.
const maxID = 64

// idsOf makes ids that follow from the data alone: the same file gets the same ids each time.
func idsOf(data []byte) func() CellID {
	seed := sha256.Sum256(data)
	n := uint64(0)
	return func() CellID {
		n++
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(seed[:], n))
		return CellID(hex.EncodeToString(sum[:4]))
	}
}

// giveIDs gives an id to each cell that has none of its own. Of cells with the same id the first keeps it.
func (d *decoder) giveIDs(newID func() CellID) {
	taken := map[CellID]bool{}
	var without []*Cell
	for _, c := range d.doc.Cells {
		switch {
		case c.NoID:
		case taken[c.ID]:
			d.repaired("two cells had the id %.70q; one got another", c.ID)
			c.ID = ""
		case !validID(c.ID):
			d.repaired("the cell id %.70q is not allowed; the cell got another", c.ID)
			c.ID = ""
		}
		if c.ID == "" {
			without = append(without, c)
		}
		taken[c.ID] = true
	}
	for _, c := range without {
		c.ID = freeID(taken, newID)
	}
}

// freeID makes an id that is not taken, and takes it.
func freeID(taken map[CellID]bool, newID func() CellID) CellID {
	for {
		if id := newID(); !taken[id] {
			taken[id] = true
			return id
		}
	}
}

// validID is laxer than nbformat: what a client can name is fine.
func validID(id CellID) bool {
	for _, r := range string(id) {
		if unicode.IsControl(r) {
			return false
		}
	}
	return id != "" && len(id) <= maxID
}
