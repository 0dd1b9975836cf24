package tessera.load;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.connector.source.SplitsAssignment;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** Hands out all splits once, when every reader is there. From then on they are in the state of the readers. */
final class SplitAssignment implements SplitEnumerator<Split, Boolean> {
  private final SplitEnumeratorContext<Split> context;
  private final int splits;
  private boolean isDone;
  private final List<Split> returned = new ArrayList<>();

  SplitAssignment(SplitEnumeratorContext<Split> context, int splits, boolean isDone) {
    this.context = context;
    this.splits = splits;
    this.isDone = isDone;
  }

  @Override
  public void addReader(int subtask) {
    int readers = context.currentParallelism();
    if (!isDone && context.registeredReaders().size() == readers) {
      Map<Integer, List<Split>> assigned = new HashMap<>();
      for (int id = 0; id < splits; id++) {
        assigned.computeIfAbsent(id % readers, any -> new ArrayList<>()).add(new Split(id, 0));
      }
      context.assignSplits(new SplitsAssignment<>(assigned));
      isDone = true;
    } else if (!returned.isEmpty()) {
      context.assignSplits(new SplitsAssignment<>(Map.of(subtask, new ArrayList<>(returned))));
      returned.clear();
    }
  }

  @Override
  public void addSplitsBack(List<Split> back, int subtask) {
    returned.addAll(back);
  }

  /** Whether they have been handed out. */
  @Override
  public Boolean snapshotState(long checkpointId) {
    return isDone;
  }

  @Override
  public void start() {}

  @Override
  public void handleSplitRequest(int subtask, String host) {}

  @Override
  public void close() {}

  static final class Serializer implements SimpleVersionedSerializer<Boolean> {
    @Override
    public int getVersion() {
      return 1;
    }

    @Override
    public byte[] serialize(Boolean isDone) {
      return new byte[] {(byte) (isDone ? 1 : 0)};
    }

    @Override
    public Boolean deserialize(int version, byte[] bytes) {
      return bytes[0] == 1;
    }
  }
}
