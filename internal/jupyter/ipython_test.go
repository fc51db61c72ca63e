package jupyter_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/runnel-dev/runnel/internal/jupyter"
	"github.com/runnel-dev/runnel/internal/testpy"
)

func startIPython(t testing.TB, major string, more ...string) *realKernel {
	t.Helper()
	argv := append([]string{testpy.Python(t, major), "-m", "ipykernel_launcher", "-f", "{connection_file}"}, more...)
	return startKernel(t, jupyter.TransportIPC, argv...)
}

func eachIPython(t *testing.T, f func(t *testing.T, major string)) {
	for _, major := range []string{"6", "7"} {
		t.Run("ipykernel "+major, func(t *testing.T) {
			t.Parallel()
			f(t, major)
		})
	}
}

func TestIPythonArgs(t *testing.T) {
	eachIPython(t, func(t *testing.T, major string) {
		k := startIPython(t, major, jupyter.IPythonArgs()...)

		t.Run("the first cell finds nothing that was not there", func(t *testing.T) {
			bare := startIPython(t, major)
			const look = "print(sorted(n for n in dir() if not n.startswith('_i'))); print(In, Out, _, __, [l[2] for l in get_ipython().history_manager.get_range()])"
			wantReply, want := bare.run(plain(look))
			gotReply, got := k.run(plain(look))
			if diff := cmp.Diff(printed(t, want), printed(t, got)); diff != "" {
				t.Errorf("(-bare +with arguments)\n%s", diff)
			}
			if gotReply.ExecutionCount != 1 || wantReply.ExecutionCount != 1 {
				t.Errorf("execution count %d, bare %d, want 1", gotReply.ExecutionCount, wantReply.ExecutionCount)
			}
		})

		t.Run("settings took effect", func(t *testing.T) {
			_, out := k.run(plain("import sys, zmq; p = get_ipython().kernel.iopub_thread; print(sys.stdout.flush_interval, sys.stderr.flush_interval)"))
			if got := printed(t, out); got != "0 0\n" {
				t.Errorf("flush intervals: %q", got)
			}
		})

		t.Run("half of a surrogate pair loses nothing", func(t *testing.T) {
			_, out := k.run(plain(`print('a\ud83dz')`))
			if got := printed(t, out); got != "a\ufffdz\n" {
				t.Errorf("printed %q", got)
			}
			reply, _ := k.run(plain(`raise ValueError('\ud83d')`))
			if reply.Status != jupyter.StatusError || reply.EValue != "\ufffd" {
				t.Errorf("reply %q %q", reply.Status, reply.EValue)
			}
		})

		t.Run("much text comes in pieces", func(t *testing.T) {
			_, out := k.run(plain("for i in range(30): print('y' * 999_999)\nprint('z' * 5_000_000)"))
			total, largest := 0, 0
			for _, m := range out {
				if m.header.MsgType == "stream" {
					n := len(content[jupyter.Stream](t, m).Text)
					total, largest = total+n, max(largest, n)
				}
			}
			if want := 30*1_000_000 + 5_000_001; total != want || largest > 1<<20 {
				t.Errorf("%d characters, want %d; the largest message has %d", total, want, largest)
			}
		})

		t.Run("who prints much waits until it is sent", func(t *testing.T) {
			_, out := k.run(plain("import threading\n_g_ = threading.Event()\nget_ipython().kernel.iopub_thread.schedule(_g_.wait)\n" +
				"threading.Timer(.5, _g_.set).start()\nprint('y' * 2_000_000)\nprint(_g_.is_set())"))
			if got := printed(t, out); !strings.HasSuffix(got, "y\nTrue\n") {
				t.Errorf("the print went on before: %q", got[max(0, len(got)-10):])
			}
		})

		t.Run("many lines that were flushed do not hold up the next", func(t *testing.T) {
			_, out := k.run(plain("import sys\nfor _i_ in range(200): print(flush=True)\nprint(sys.stdout.flush_interval <= .005)"))
			if got := strings.TrimSpace(printed(t, out)); got != "True" {
				t.Error(got)
			}
		})

		t.Run("a flood comes in few messages", func(t *testing.T) {
			_, out := k.run(plain("import time\n_t_ = time.monotonic()\nwhile time.monotonic() - _t_ < .5: print('x'); time.sleep(.0005)\nprint('took', time.monotonic() - _t_)"))
			messages, _, seconds := flooded(t, out)
			// Five of a burst, one each 4 ms, and the flush at the end.
			if most := int(seconds*250) + 7; messages > most {
				t.Errorf("%d messages in %.3f s, want at most %d", messages, seconds, most)
			}
		})

		t.Run("a heavy flood comes in fewer", func(t *testing.T) {
			_, out := k.run(plain("import time\n_t_ = time.monotonic()\nwhile time.monotonic() - _t_ < 1: print('x' * 9999); time.sleep(.0005)\nprint('took', time.monotonic() - _t_)"))
			messages, text, seconds := flooded(t, out)
			// As much as comes in 4 ms lets the next wait longer, up to 16 ms; what is over a piece goes at once.
			if most := int(seconds*150) + 7 + len(text)>>20; messages > most {
				t.Errorf("%d messages of %d characters in %.3f s, want at most %d", messages, len(text), seconds, most)
			}
		})

		t.Run("variables do not touch results and counter", func(t *testing.T) {
			first, _ := k.run(described("41 + 1"))
			second, out := k.run(described("_"))
			if second.ExecutionCount != first.ExecutionCount+1 {
				t.Errorf("count went from %d to %d", first.ExecutionCount, second.ExecutionCount)
			}
			for _, m := range out {
				if m.header.MsgType == "execute_result" {
					if text := string(content[jupyter.ExecuteResult](t, m).Data["text/plain"]); text != `"42"` {
						t.Errorf("_ is %s", text)
					}
				}
			}
		})

		t.Run("printed lines come within milliseconds", func(t *testing.T) {
			_, out := k.run(plain("import time\nfor _i_ in range(100):\n    time.sleep(.02); print(time.time())"))
			var late []time.Duration
			for _, m := range out {
				if m.header.MsgType != "stream" {
					continue
				}
				// print writes the newline apart, so it may come apart; and on a
				// machine that is busy two lines may come together.
				for line := range strings.FieldsSeq(content[jupyter.Stream](t, m).Text) {
					sec, err := strconv.ParseFloat(line, 64)
					if err != nil {
						t.Fatal(err)
					}
					late = append(late, m.at.Sub(time.Unix(0, int64(sec*1e9))))
				}
			}
			slices.Sort(late)
			if len(late) != 100 {
				t.Fatalf("%d lines, want 100", len(late))
			}
			t.Logf("print to receipt: median %v, worst %v", late[50], late[99])
			if late[50] > 50*time.Millisecond {
				t.Errorf("median %v", late[50])
			}
		})
		t.Run("a question names what says that all is printed", func(t *testing.T) {
			for _, code := range []string{"print('before'); input()", "import threading\n_t_ = threading.Thread(target=lambda: (print('before'), input())); _t_.start(); _t_.join()"} {
				request := plain(code)
				request.AllowStdin = true
				id := k.request(jupyter.Shell, "execute_request", request)
				frames, err := k.conns[jupyter.Stdin].Recv()
				if err != nil {
					t.Fatal(err)
				}
				answer, err := jupyter.NewMessage("test-session", id+"-answer", "input_reply", jupyter.InputReply{}, time.Now())
				if err != nil {
					t.Fatal(err)
				}
				answer.Parent = k.decode(frames).Header
				if err := k.conns[jupyter.Stdin].Send(k.signer.Encode(answer)...); err != nil {
					t.Fatal(err)
				}
				k.reply(jupyter.Shell)
				text, said := "", uint64(0)
				for _, m := range k.untilIdle(id) {
					if m.header.MsgType == jupyter.Said {
						said = jupyter.SaidNumber(k.signer.Encode(m.Message))
						break
					}
					text += printed(t, []received{m})
				}
				if after := jupyter.AfterNumber(frames); text != "before\n" || said == 0 || after != said {
					t.Errorf("%q is said before number %d, the question comes after %d", text, said, after)
				}
			}
		})
		k.stop()
		if k.stdout.Len() > 0 {
			t.Errorf("the process printed %q", k.stdout)
		}
	})
}

func TestVariables(t *testing.T) {
	eachIPython(t, func(t *testing.T, major string) {
		k := startIPython(t, major, jupyter.IPythonArgs()...)
		reply, _ := k.run(described(variablesCode))
		got, complete := jupyter.DecodeVariables(reply)
		for range 10 { // its 50 ms are short on a machine that is busy
			if complete {
				break
			}
			reply, _ = k.run(described("pass"))
			got, complete = jupyter.DecodeVariables(reply)
		}
		if !complete {
			t.Error("said to be incomplete")
		}
		if diff := cmp.Diff(variablesWant, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}

		t.Run("none after an error", func(t *testing.T) {
			reply, _ := k.run(described("1/0"))
			if vars, _ := jupyter.DecodeVariables(reply); vars != nil || reply.EName != "ZeroDivisionError" {
				t.Errorf("%v, %q", vars, reply.EName)
			}
		})
		t.Run("the latest hundred of many", func(t *testing.T) {
			reply, _ := k.run(described("%reset -f\nfor i in range(100_000): globals()[f'v{i}'] = i"))
			vars, complete := jupyter.DecodeVariables(reply)
			if complete || len(vars) == 0 || len(vars) > 100 || vars["v99999"].Value != "99999" {
				t.Errorf("%d variables, complete %v: %v", len(vars), complete, vars["v99999"])
			}
		})
	})
}

const variablesCode = `
import os, time
class Rude:
    def rude(self, *args, **kwargs): time.sleep(60)
    __repr__ = __str__ = __len__ = __iter__ = __bool__ = __eq__ = __format__ = __getattr__ = __getattribute__ = __getitem__ = __index__ = rude
    items = keys = values = most_common = _asdict = _name_ = name = value = property(rude)
    def __hash__(self): return 1
class Slow:
    def __repr__(self): time.sleep(60)
    def __len__(self): time.sleep(60)
    def __getattr__(self, name): time.sleep(60)
class Loud(dict):
    def __iter__(self): time.sleep(60)
    def items(self): time.sleep(60)
class Array:
    shape = (3, 4)
Array.__module__ = 'numpy.core'
class Lazy:
    @property
    def __class__(self): time.sleep(60)
class Scalar:
    shape, dtype = (), 'f'
    def __repr__(self): time.sleep(60)
Scalar.__module__ = 'torch'
class float64(Scalar):
    def __repr__(self): return 'np.float64(1.5)'
float64.__module__ = 'numpy'
class Meta(type):
    @property
    def __name__(cls): time.sleep(60)
class Named(metaclass=Meta): pass
def f(x): return x
a, b, c, d, e = 1, 2.5, 'héllo', None, True
raw = b'\x00x'
long = 'x' * 10**7
huge = 1 << 10**6
items = list(range(10**6))
pair = (1,)
empty = ()
nested = {'a': [1, [2, [3]]], 'slow': Slow()}
names = {1}
none = set()
cold = frozenset({1})
loop = []; loop.append(loop)
slow, loud, array = Slow(), Loud(a=1), Array()
lazy, scalar, real, named = Lazy(), Scalar(), float64(), Named()
_private = 1
from decimal import Decimal
from fractions import Fraction
from datetime import date, datetime, timedelta, timezone, tzinfo
from pathlib import PurePosixPath as Pure
from uuid import UUID as Id
class Zone(tzinfo):
    def __repr__(self): time.sleep(60)
class Money(Decimal):
    def __repr__(self): time.sleep(60)
price, third, vast = Decimal('1.50'), Fraction(1, 3), Fraction(1 << 10**6)
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from dataclasses import dataclass, field
from enum import Enum, Flag, IntEnum
counts, rare = Counter('abbccc'), Counter(a=.5)
moved = OrderedDict(a=1, b=2); moved.move_to_end('a')
groups, made = defaultdict(list, a=[1]), defaultdict(f)
ring, line = deque([1, 2], maxlen=3), deque(range(9))
Point = namedtuple('Point', 'x y')
point, points, far = Point(1, 'two'), [Point(1, 2)], [[Point(1, 2)]]
class Colour(Enum):
    RED = 1
    __repr__ = __str__ = __format__ = __hash__ = name = value = Rude.rude
class Size(IntEnum): BIG = 3
class May(Flag): READ = 1; WRITE = 2
red, big, may, colours = Colour.RED, Size.BIG, May.READ, [Colour.RED]
@dataclass
class Item:
    title: str
    price: float = 1.5
    note: str = field(default='n', repr=False)
    left: Rude = field(default_factory=Rude)
    def __repr__(self): time.sleep(60)
Wide = namedtuple('Wide', [f'f{i}' for i in range(50)])
wide, many = Wide(*range(50)), dataclass(type('Many', (), {'__annotations__': {f'f{i}': int for i in range(50)}, **{f'f{i}': i for i in range(50)}}))()
item, items_ = Item('pen'), {'a': [Item('pen')]}
class RudeDict(Rude, dict): pass
class RudeList(Rude, list): pass
class RudeTuple(Rude, tuple): pass
class RudeStr(Rude, str): pass
class RudeBytes(Rude, bytes): pass
class RudeInt(Rude, int): pass
class RudeFloat(Rude, float): pass
class RudeSet(Rude, set): pass
class RudeDeque(Rude, deque): pass
class RudeOrdered(Rude, OrderedDict): pass
class RudeCounter(Rude, Counter): pass
class RudePoint(Rude, Point): pass
@dataclass(repr=False, eq=False)
class RudeItem(Rude):
    x: int
    __dict__ = property(lambda self: time.sleep(60))
    __slots__ = 'x'
@dataclass(repr=False, eq=False)
class RudeRecord(Rude):
    x: int = 1
rude = [RudeDict(a=1), RudeList([1]), RudeTuple((1,)), RudeStr('s'), RudeBytes(b'b'), RudeInt(5)]
ruder = (RudeFloat(.5), RudeSet({1}), RudeDeque([1]), RudeOrdered(a=1), RudePoint(1, Rude()), RudeRecord())
rudest, cut_, steps, item_ = slice(Rude()), RudeStr('x' * 10**7), range(0, 9, 2), RudeItem(1)
tally = RudeCounter.__new__(RudeCounter); dict.__setitem__(tally, 'a', 2)
class Loudly(type):
    __module__ = property(lambda cls: time.sleep(60))
class Named2(metaclass=Loudly): pass
loudly = Named2()
class dtype: name = 'float64'
dtype.__module__ = 'numpy.dtypes'
class Series:
    shape, dtype = (3,), dtype()
    def __getattr__(self, name): time.sleep(60)
Series.__module__ = 'pandas.core'
series = Series()
for _n_ in [n for n in dir() if n.startswith('Rude')] + 'Counter OrderedDict defaultdict deque namedtuple dataclass field Enum Flag IntEnum Point Wide Colour Size May Item Named2 Loudly Series dtype'.split(): del globals()[_n_]
day, span = date(2024, 1, 2), timedelta(hours=1)
noon, here = datetime(2024, 1, 2, 12, tzinfo=timezone.utc), datetime(2024, 1, 2, tzinfo=Zone())
way, ident, money = [Pure('a/b')], Id(int=1), Money(1)
del Decimal, Fraction, date, datetime, timedelta, timezone, tzinfo, Pure, Id
`

var variablesWant = map[string]jupyter.Variable{
	"Slow": {Type: "type", Value: "<class Slow>"}, "Loud": {Type: "type", Value: "<class Loud>"}, "Array": {Type: "type", Value: "<class Array>"},
	"f": {Type: "function", Value: "<function f>"},
	"a": {Type: "int", Value: "1"}, "b": {Type: "float", Value: "2.5"}, "c": {Type: "str", Value: "'héllo'"},
	"d": {Type: "NoneType", Value: "None"}, "e": {Type: "bool", Value: "True"}, "raw": {Type: "bytes", Value: `b'\x00x'`},
	"long":   {Type: "str", Value: "'" + strings.Repeat("x", 118) + "…"},
	"huge":   {Type: "int", Value: "<int of 1000001 bits>"},
	"items":  {Type: "list", Value: "[0, 1, 2, 3, 4, 5, …]"},
	"pair":   {Type: "tuple", Value: "(1,)"},
	"empty":  {Type: "tuple", Value: "()"},
	"nested": {Type: "dict", Value: "{'a': [1, […]], 'slow': <Slow>}"},
	"names":  {Type: "set", Value: "{1}"},
	"none":   {Type: "set", Value: "set()"},
	"cold":   {Type: "frozenset", Value: "frozenset({1})"},
	"loop":   {Type: "list", Value: "[[[…]]]"},
	"slow":   {Type: "Slow", Value: "<Slow>"}, "loud": {Type: "Loud", Value: "Loud({'a': 1})"},
	"counts": {Type: "Counter", Value: "Counter({'c': 3, 'b': 2, 'a': 1})"}, "rare": {Type: "Counter", Value: "Counter({'a': 0.5})"},
	"moved":  {Type: "OrderedDict", Value: "OrderedDict({'b': 2, 'a': 1})"},
	"groups": {Type: "defaultdict", Value: "defaultdict(list, {'a': [1]})"}, "made": {Type: "defaultdict", Value: "defaultdict(<function f>, {})"},
	"ring": {Type: "deque", Value: "deque([1, 2], maxlen=3)"}, "line": {Type: "deque", Value: "deque([0, 1, 2, 3, 4, 5, …])"},
	"point": {Type: "Point", Value: "Point(x=1, y='two')"}, "points": {Type: "list", Value: "[Point(x=1, y=2)]"},
	"wide": {Type: "Wide", Value: "Wide(f0=0, f1=1, f2=2, f3=3, f4=4, f5=5, …)"}, "many": {Type: "Many", Value: "Many(f0=0, f1=1, f2=2, f3=3, f4=4, f5=5, …)"},
	"far": {Type: "list", Value: "[[Point(…)]]"},
	"red": {Type: "Colour", Value: "Colour.RED"}, "big": {Type: "Size", Value: "Size.BIG"}, "may": {Type: "May", Value: "May.READ"},
	"colours": {Type: "list", Value: "[Colour.RED]"},
	"item":    {Type: "Item", Value: "Item(title='pen', price=1.5, left=<Rude>)"}, "items_": {Type: "dict", Value: "{'a': [Item(…)]}"},
	"rude":   {Type: "list", Value: "[RudeDict({'a': 1}), RudeList([1]), RudeTuple((1,)), RudeStr('s'), RudeBytes(b'b'), RudeInt(5)]"},
	"ruder":  {Type: "tuple", Value: "(RudeFloat(0.5), RudeSet({1}), RudeDeque([1]), RudeOrdered({'a': 1}), RudePoint(x=1, y=<Rude>), RudeRecord(x=1))"},
	"rudest": {Type: "slice", Value: "slice(None, <Rude>, None)"}, "cut_": {Type: "RudeStr", Value: "RudeStr('" + strings.Repeat("x", 110) + "…"},
	"steps": {Type: "range", Value: "range(0, 9, 2)"}, "item_": {Type: "RudeItem", Value: "RudeItem(x=1)"},
	"tally": {Type: "RudeCounter", Value: "RudeCounter({'a': 2})"}, "loudly": {Type: "Named2", Value: "<Named2>"},
	"series": {Type: "Series", Value: "<Series> (3,) float64"},
	"array":  {Type: "Array", Value: "<Array> (3, 4)"},
	"Lazy":   {Type: "type", Value: "<class Lazy>"}, "Scalar": {Type: "type", Value: "<class Scalar>"},
	"float64": {Type: "type", Value: "<class float64>"}, "Meta": {Type: "type", Value: "<class Meta>"}, "Named": {Type: "Meta", Value: "<class Named>"},
	"lazy": {Type: "Lazy", Value: "<Lazy>"}, "scalar": {Type: "Scalar", Value: "<Scalar> ()"},
	"Zone": {Type: "type", Value: "<class Zone>"}, "Money": {Type: "type", Value: "<class Money>"},
	"price": {Type: "Decimal", Value: "Decimal('1.50')"}, "third": {Type: "Fraction", Value: "Fraction(1, 3)"},
	"vast": {Type: "Fraction", Value: "Fraction(<int of 1000001 bits>, 1)"},
	"day":  {Type: "date", Value: "datetime.date(2024, 1, 2)"}, "span": {Type: "timedelta", Value: "datetime.timedelta(seconds=3600)"},
	"noon": {Type: "datetime", Value: "datetime.datetime(2024, 1, 2, 12, 0, tzinfo=datetime.timezone.utc)"},
	"here": {Type: "datetime", Value: "<datetime>"}, "way": {Type: "list", Value: "[PurePosixPath('a/b')]"},
	"ident": {Type: "UUID", Value: "UUID('00000000-0000-0000-0000-000000000001')"}, "money": {Type: "Money", Value: "<Money>"},
	"real": {Type: "float64", Value: "np.float64(1.5)"}, "named": {Type: "Named", Value: "<Named>"},
}

// A reader that pauses must lose nothing: this is what XPUB_NODROP is for.
func TestNothingDroppedForASlowReader(t *testing.T) {
	eachIPython(t, func(t *testing.T, major string) {
		k := startIPython(t, major, jupyter.IPythonArgs()...)
		resume := make(chan struct{})
		k.pauses <- resume
		const lines = 6_000
		id := k.request(jupyter.Shell, "execute_request", plain(fmt.Sprintf("for i in range(%d): print(f'{i:>500}', flush=True)", lines)))
		select {
		case <-time.After(2 * time.Second): // the stalled reader is the subject
		case <-k.ended:
			t.Fatal("iopub ended")
		}
		close(resume)
		k.reply(jupyter.Shell)
		var want strings.Builder
		for i := range lines {
			fmt.Fprintf(&want, "%500d\n", i)
		}
		if got := printed(t, k.untilIdle(id)); got != want.String() {
			t.Errorf("%d lines of %d", strings.Count(got, "\n"), lines)
		}
	})
}

// The two kinds of request alternate, so that a busy machine slows both.
func BenchmarkVariables(b *testing.B) {
	for _, n := range []int{0, 100} {
		b.Run(fmt.Sprintf("%d variables", n), func(b *testing.B) {
			k := startIPython(b, "7", jupyter.IPythonArgs()...)
			k.run(plain(fmt.Sprintf("for i in range(%d): globals()[f'v{i}'] = list(range(i))", n)))
			requests := []jupyter.ExecuteRequest{plain("pass"), described("pass")}
			var times [2][]time.Duration
			for b.Loop() {
				for i, r := range requests {
					start := time.Now()
					k.run(r)
					times[i] = append(times[i], time.Since(start))
				}
			}
			median := func(d []time.Duration) float64 {
				slices.Sort(d)
				return float64(d[len(d)/2].Microseconds()) / 1000
			}
			b.ReportMetric(median(times[0]), "ms-without")
			b.ReportMetric(median(times[1]), "ms-with")
		})
	}
}

// flooded is what a cell printed that ends with "took" and its seconds, and in how many messages.
func flooded(t *testing.T, out []received) (messages int, text string, seconds float64) {
	t.Helper()
	for _, m := range out {
		if m.header.MsgType == "stream" {
			messages++
			text += content[jupyter.Stream](t, m).Text
		}
	}
	_, took, _ := strings.Cut(strings.TrimSpace(text), "took ")
	seconds, err := strconv.ParseFloat(took, 64)
	if err != nil {
		t.Fatal(err)
	}
	return messages, text, seconds
}
