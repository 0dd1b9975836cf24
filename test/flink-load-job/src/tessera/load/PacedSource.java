package tessera.load;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.api.java.typeutils.ResultTypeQueryable;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** The numbers from 0, as fast as a load profile offers them, which can be read again from any of them: as from a topic of Kafka. It never ends. */
final class PacedSource implements Source<Long, Split, Boolean>, ResultTypeQueryable<Long> {
  private final LoadProfile profile;
  private final int splits;

  PacedSource(LoadProfile profile, int splits) {
    this.profile = profile;
    this.splits = splits;
  }

  @Override
  public Boundedness getBoundedness() {
    return Boundedness.CONTINUOUS_UNBOUNDED;
  }

  @Override
  public TypeInformation<Long> getProducedType() {
    return Types.LONG;
  }

  @Override
  public SourceReader<Long, Split> createReader(SourceReaderContext context) {
    return new SplitReader(profile, splits, context);
  }

  @Override
  public SplitEnumerator<Split, Boolean> createEnumerator(SplitEnumeratorContext<Split> context) {
    return new SplitAssignment(context, splits, false);
  }

  @Override
  public SplitEnumerator<Split, Boolean> restoreEnumerator(
      SplitEnumeratorContext<Split> context, Boolean isDone) {
    return new SplitAssignment(context, splits, isDone);
  }

  @Override
  public SimpleVersionedSerializer<Split> getSplitSerializer() {
    return new Split.Serializer();
  }

  @Override
  public SimpleVersionedSerializer<Boolean> getEnumeratorCheckpointSerializer() {
    return new SplitAssignment.Serializer();
  }
}
