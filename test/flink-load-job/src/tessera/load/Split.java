package tessera.load;

import java.nio.charset.StandardCharsets;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** Every n-th record, and which of them is read next. */
final class Split implements SourceSplit {
  final int id;
  /** Also read by a metric, in another thread: a gauge must never wait for the task. */
  volatile long next;

  Split(int id, long next) {
    this.id = id;
    this.next = next;
  }

  @Override
  public String splitId() {
    return "split-" + id;
  }

  static final class Serializer implements SimpleVersionedSerializer<Split> {
    @Override
    public int getVersion() {
      return 1;
    }

    @Override
    public byte[] serialize(Split split) {
      return (split.id + ":" + split.next).getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public Split deserialize(int version, byte[] bytes) {
      String[] parts = new String(bytes, StandardCharsets.UTF_8).split(":");
      return new Split(Integer.parseInt(parts[0]), Long.parseLong(parts[1]));
    }
  }
}
