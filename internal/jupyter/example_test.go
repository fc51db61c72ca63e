package jupyter_test

import (
	"fmt"
	"time"

	"github.com/runnel-dev/runnel/internal/jupyter"
)

func Example() {
	signer, err := jupyter.NewSigner("hmac-sha256", "secret")
	if err != nil {
		panic(err)
	}
	m, err := jupyter.NewMessage("session", "id-1", "execute_request", jupyter.ExecuteRequest{Code: "1 + 1"}, time.Now())
	if err != nil {
		panic(err)
	}
	frames := signer.Encode(m) // what zmtp.Conn.Send takes and Recv gives

	received, err := signer.Decode(frames)
	if err != nil {
		panic(err)
	}
	header, _ := received.ParseHeader()
	request, _ := jupyter.Decode[jupyter.ExecuteRequest](received.Content)
	fmt.Println(header.MsgType, header.MsgID, request.Code)
	// Output: execute_request id-1 1 + 1
}
