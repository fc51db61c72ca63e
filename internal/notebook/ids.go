package notebook

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"strings"
	"unicode"
)

const (
	maxID    = 64  // the longest id that a cell may have in a file, in bytes
	maxOwnID = 128 // the longest that a client may choose
)

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

// giveIDs gives an id to each cell that has none of its own, and its own to one for which the file has another. Of cells with the same id the
// first keeps it.
func (d *decoder) giveIDs(newID func() CellID) {
	taken := map[CellID]bool{}
	var without []*Cell
	for _, c := range d.doc.Cells {
		switch {
		case c.NoID, c.takeOwnID(taken):
		case taken[c.ID]:
			d.repaired("two cells had the id %.70q; one got another", c.ID)
			c.ID = ""
		case !validID(c.ID):
			d.repaired("the cell id %.70q is not allowed; the cell got another", c.ID)
			c.ID = ""
		default:
			c.AsIs = !allowed(c.ID)
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

// allowed says whether the format takes an id.
func allowed(id CellID) bool {
	for _, r := range []byte(id) {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
			return false
		}
	}
	return id != "" && len(id) <= maxID
}

// A cell whose id the format forbids has another one in the file, which follows from its own, and its own in its metadata:
// {"runnel": {"cell_id": OWN}}. Both together make it the same cell when it is read again; a copy that another program makes is not.
const (
	standInPrefix = "runnel-"
	ownIDKey      = "cell_id"
	standInsTried = 8 // for an id, of which one is free: the others may be ids of other cells
)

func standIn(own CellID, n byte) CellID {
	sum := sha256.Sum256(append([]byte(own), 0, n))
	return CellID(standInPrefix + hex.EncodeToString(sum[:12]))
}

// standIns gives the ids that are written in place of forbidden ones.
func (d *Document) standIns() map[CellID]CellID {
	var out map[CellID]CellID
	for _, c := range d.Cells {
		if !c.AsIs && !allowed(c.ID) {
			if out == nil {
				out = map[CellID]CellID{}
			}
			out[c.ID] = ""
		}
	}
	if out == nil {
		return nil
	}
	taken := byID(d)
	for own := range out {
		for n := range byte(standInsTried) {
			if id := standIn(own, n); taken[id] == nil {
				out[own] = id
				break
			}
		}
	}
	return out
}

// takeOwnID gives the cell its own id when the file has a stand-in for it, and says whether it did.
func (c *Cell) takeOwnID(taken map[CellID]bool) bool {
	if !strings.HasPrefix(string(c.ID), standInPrefix) {
		return false
	}
	all, _ := fields(c.Metadata)
	runnel, _ := fields(all["runnel"])
	var own CellID
	if json.Unmarshal(runnel[ownIDKey], &own) != nil || len(own) > maxOwnID || allowed(own) || taken[own] {
		return false
	}
	for n := range byte(standInsTried) {
		if standIn(own, n) == c.ID {
			c.ID, c.Metadata = own, markRunnel(c.Metadata, ownIDKey, nil)
			return true
		}
	}
	return false
}
