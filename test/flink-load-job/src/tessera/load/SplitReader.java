package tessera.load;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.core.io.InputStatus;

/** Reads what its splits have been offered, and tells how much more that is: {@code pendingRecords}. */
final class SplitReader implements SourceReader<Long, Split> {
  private static final Executor LATER = CompletableFuture.delayedExecutor(5, TimeUnit.MILLISECONDS);

  private final LoadProfile profile;
  private final int splits;
  private final List<Split> mine = new CopyOnWriteArrayList<>();
  private int turn = 0;

  SplitReader(LoadProfile profile, int splits, SourceReaderContext context) {
    this.profile = profile;
    this.splits = splits;
    context.metricGroup().setPendingRecordsGauge(this::pending);
  }

  @Override
  public InputStatus pollNext(ReaderOutput<Long> output) {
    long now = System.currentTimeMillis();
    for (int i = 0; i < mine.size(); i++) {
      Split split = mine.get(Math.floorMod(turn++, mine.size()));
      if (split.next < profile.offered(split.id, splits, now)) {
        long record = split.next * splits + split.id;
        split.next++;
        output.collect(record);
        return InputStatus.MORE_AVAILABLE;
      }
    }
    return InputStatus.NOTHING_AVAILABLE;
  }

  private long pending() {
    long now = System.currentTimeMillis();
    return mine.stream()
        .mapToLong(split -> Math.max(0, profile.offered(split.id, splits, now) - split.next))
        .sum();
  }

  @Override
  public CompletableFuture<Void> isAvailable() {
    return CompletableFuture.runAsync(() -> {}, LATER);
  }

  @Override
  public List<Split> snapshotState(long checkpointId) {
    List<Split> copies = new ArrayList<>();
    for (Split split : mine) copies.add(new Split(split.id, split.next));
    return copies;
  }

  @Override
  public void addSplits(List<Split> more) {
    mine.addAll(more);
  }

  @Override
  public void start() {}

  @Override
  public void notifyNoMoreSplits() {}

  @Override
  public void close() {}
}
