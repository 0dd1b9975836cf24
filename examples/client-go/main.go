// Command query runs one SELECT on Tessera and prints its rows and what they rest on.
//
//	examples/client-go/query ADDRESS SQL
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	queryv1 "tessera.example/client-go/generated/tessera/query/v1"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: query ADDRESS SQL")
		os.Exit(1)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, explainFailure(err))
		os.Exit(1)
	}
}

func run(address, sql string) error {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	queries := queryv1.NewQueryServiceClient(connection)
	stream, err := queries.ExecuteQuery(context.Background(), &queryv1.ExecuteQueryRequest{Sql: sql})
	if err != nil {
		return err
	}
	var summary *queryv1.QuerySummary
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if response.Header != nil {
			printNames(response.Header)
		}
		if response.Batch != nil {
			if err := printRows(response.Batch.ArrowIpc); err != nil {
				return err
			}
		}
		if response.Summary != nil {
			summary = response.Summary
		}
	}
	if summary == nil {
		return errors.New("the answer is not whole: its summary is missing")
	}
	printSummary(summary)
	return nil
}

func printNames(header *queryv1.QueryHeader) {
	var names []string
	for _, field := range header.Schema.Fields {
		names = append(names, field.Name)
	}
	fmt.Println(strings.Join(names, "\t"))
}

// printRows reads a batch, which is a whole Arrow stream: any Arrow library reads it, types included.
func printRows(arrowIpc []byte) error {
	reader, err := ipc.NewReader(bytes.NewReader(arrowIpc))
	if err != nil {
		return err
	}
	defer reader.Release()
	for reader.Next() {
		batch := reader.RecordBatch()
		for row := range int(batch.NumRows()) {
			values := make([]string, batch.NumCols())
			for i, column := range batch.Columns() {
				values[i] = "NULL"
				if column.IsValid(row) {
					values[i] = format(column, row)
				}
			}
			fmt.Println(strings.Join(values, "\t"))
		}
	}
	return reader.Err()
}

// format keeps the digits of exact decimals: ValueStr would print them as floating-point numbers.
func format(column arrow.Array, row int) string {
	if decimals, ok := column.(*array.Decimal128); ok {
		return decimals.Value(row).ToString(decimals.DataType().(*arrow.Decimal128Type).Scale)
	}
	return column.ValueStr(row)
}

func printSummary(summary *queryv1.QuerySummary) {
	kind := strings.ToLower(strings.TrimPrefix(summary.PlanKind.String(), "PLAN_KIND_"))
	millis := float64(summary.GetTimings().GetTotalMicros()) / 1000
	fmt.Printf("-- %d rows from %s in %.1f ms\n", summary.RowCount, kind, millis)
	for _, block := range summary.GetCoverage().GetBlocks() {
		fmt.Printf("-- %s: %d layouts, %d segments, %d ranges from the source, %d rows rejected\n",
			block.Cube, len(block.Layouts), len(block.Segments), len(block.PushedDown), block.RejectedRows)
	}
	for _, table := range summary.GetCoverage().GetSourceTables() {
		fmt.Printf("-- %s: read from its source\n", table)
	}
}

// explainFailure gives the message, its stable reason, and where in the statement each fault stands.
func explainFailure(err error) string {
	failure, ok := status.FromError(err)
	if !ok {
		return err.Error()
	}
	text := failure.Message()
	var faults []string
	for _, detail := range failure.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			text += " [" + detail.Reason + "]"
		case *errdetails.BadRequest:
			for _, fault := range detail.FieldViolations {
				faults = append(faults, "  "+fault.Field+": "+fault.Description)
			}
		}
	}
	return strings.Join(append([]string{text}, faults...), "\n")
}
