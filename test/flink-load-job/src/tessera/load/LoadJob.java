package tessera.load;

import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.SimpleStringEncoder;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.filesystem.rollingpolicies.OnCheckpointRollingPolicy;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;

/** A stream job under a load that is told to it. Its arguments are in the README. */
public final class LoadJob {
  private LoadJob() {}

  public static void main(String[] args) throws Exception {
    Map<String, String> told = new HashMap<>();
    for (int i = 0; i + 1 < args.length; i += 2) told.put(args[i], args[i + 1]);
    String failure = told.getOrDefault("--fail", "");
    if (failure.equals("main")) throw new IllegalStateException("This job was told to fail at its start");

    StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
    environment.setMaxParallelism(Integer.parseInt(told.getOrDefault("--max-parallelism", "128")));
    int keys = Integer.parseInt(told.getOrDefault("--keys", "1000"));
    String workUid = told.getOrDefault("--work-uid", "work");
    long costUs = Long.parseLong(told.getOrDefault("--cost-us", "1000"));
    SingleOutputStreamOperator<String> lines =
        environment
            .fromSource(sourceOf(told), WatermarkStrategy.noWatermarks(), "paced")
            .uid("paced")
            .keyBy(record -> (int) (record % keys), Types.INT)
            .process(new Work(costUs, failure.equals("work")))
            .returns(Types.STRING)
            .name("work")
            .uid(workUid);
    String folder = told.get("--out");
    if (folder == null) lines.sinkTo(new DiscardingSink<>()).name("sink").uid("sink");
    else lines.sinkTo(filesIn(folder)).name("sink").uid("sink");
    environment.execute(told.getOrDefault("--name", "load"));
  }

  private static PacedSource sourceOf(Map<String, String> told) {
    String now = String.valueOf(System.currentTimeMillis());
    long total = Long.parseLong(told.getOrDefault("--total", String.valueOf(Long.MAX_VALUE)));
    long startMs = Long.parseLong(told.getOrDefault("--t0", now));
    LoadProfile profile = new LoadProfile(told.getOrDefault("--profile", "0:500"), startMs, total);
    return new PacedSource(profile, Integer.parseInt(told.getOrDefault("--splits", "12")));
  }

  /** Files that are there once the checkpoint is complete that their lines came before. */
  private static FileSink<String> filesIn(String folder) {
    return FileSink.forRowFormat(new Path(folder), new SimpleStringEncoder<String>())
        .withRollingPolicy(OnCheckpointRollingPolicy.build())
        .build();
  }
}
