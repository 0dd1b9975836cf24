package tessera.load;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Counts the records of each key, and takes a fixed time for each record: asleep, so that what a job can do depends on its parallelism and not on the cores of the machine.
 * Gives lines {@code key,record,count of the key,milliseconds}.
 */
final class Work extends KeyedProcessFunction<Integer, Long, String> {
  /** Sleeps are not made for less, since they end late: what one has taken too much is taken off the next. */
  private static final long SHORTEST_SLEEP_NS = 5_000_000;

  private final long costNs;
  private final boolean isBroken;
  private transient ValueState<Long> count;
  private transient long debtNs;

  Work(long costUs, boolean isBroken) {
    this.costNs = costUs * 1000;
    this.isBroken = isBroken;
  }

  @Override
  public void open(OpenContext context) {
    count = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Types.LONG));
  }

  @Override
  public void processElement(Long record, Context context, Collector<String> output)
      throws Exception {
    if (isBroken) throw new IllegalStateException("This job was told to fail with its first record");
    debtNs += costNs;
    if (debtNs > SHORTEST_SLEEP_NS) {
      long began = System.nanoTime();
      Thread.sleep(debtNs / 1_000_000, (int) (debtNs % 1_000_000));
      debtNs -= System.nanoTime() - began;
    }
    long counted = count.value() == null ? 1 : count.value() + 1;
    count.update(counted);
    output.collect(
        context.getCurrentKey() + "," + record + "," + counted + "," + System.currentTimeMillis());
  }
}
