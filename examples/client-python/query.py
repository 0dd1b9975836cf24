"""Runs one SELECT on Tessera and prints its rows and what they rest on.

    examples/client-python/query ADDRESS SQL
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / ".cache/client-python/generated"))

import grpc
import pyarrow as pa
from google.rpc import error_details_pb2, status_pb2
from tessera.query.v1 import query_service_pb2 as query
from tessera.query.v1 import query_service_pb2_grpc as query_grpc


def run(address: str, sql: str) -> None:
    with grpc.insecure_channel(address) as channel:
        queries = query_grpc.QueryServiceStub(channel)
        summary = None
        for response in queries.ExecuteQuery(query.ExecuteQueryRequest(sql=sql)):
            if response.HasField("header"):
                print("\t".join(field.name for field in response.header.schema.fields))
            if response.HasField("batch"):
                print_rows(response.batch.arrow_ipc)
            if response.HasField("summary"):
                summary = response.summary
        if summary is None:
            sys.exit("The answer is not whole: its summary is missing.")
        print_summary(summary)


def print_rows(arrow_ipc: bytes) -> None:
    """A batch is a whole Arrow stream: any Arrow library reads it, types included."""
    table = pa.ipc.open_stream(arrow_ipc).read_all()
    for row in zip(*(column.to_pylist() for column in table.columns)):
        print("\t".join("NULL" if value is None else str(value) for value in row))


def print_summary(summary: query.QuerySummary) -> None:
    kind = query.PlanKind.Name(summary.plan_kind).removeprefix("PLAN_KIND_").lower()
    print(f"-- {summary.row_count} rows from {kind} in {summary.timings.total_micros / 1000:.1f} ms")
    for block in summary.coverage.blocks:
        print(
            f"-- {block.cube}: {len(block.layouts)} layouts, {len(block.segments)} segments, "
            f"{len(block.pushed_down)} ranges from the source, {block.rejected_rows} rows rejected"
        )
    for table in summary.coverage.source_tables:
        print(f"-- {table}: read from its source")


def explain_failure(error: grpc.RpcError) -> str:
    """The message, its stable reason, and where in the statement each fault stands."""
    lines = [error.details()]
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    for detail in status_pb2.Status.FromString(details).details if details else ():
        info, request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            lines[0] += f" [{info.reason}]"
        elif detail.Unpack(request):
            lines += [f"  {fault.field}: {fault.description}" for fault in request.field_violations]
    return "\n".join(lines)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        run(sys.argv[1], sys.argv[2])
    except grpc.RpcError as error:
        sys.exit(explain_failure(error))
