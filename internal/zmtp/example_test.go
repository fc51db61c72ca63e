package zmtp_test

import (
	"context"
	"fmt"

	"github.com/runnel-dev/runnel/internal/zmtp"
)

func ExampleDial() {
	conn, err := zmtp.Dial(context.Background(), zmtp.Req, "tcp://127.0.0.1:5555", zmtp.Options{})
	if err != nil {
		return // nobody listens, or it is no REP
	}
	defer conn.Close()
	if err := conn.Send([]byte("hello")); err != nil {
		return
	}
	frames, err := conn.Recv()
	fmt.Println(len(frames), err)
}
