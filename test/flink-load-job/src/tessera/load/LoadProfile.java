package tessera.load;

import java.io.Serializable;

/** How many records are offered by when: {@code second:recordsPerSecond} steps since a point in time, such as {@code 0:400,90:4000}. */
final class LoadProfile implements Serializable {
  private final double[] startSeconds;
  private final double[] ratesPerSecond;
  private final long startMs;
  private final long total;

  LoadProfile(String steps, long startMs, long total) {
    String[] parts = steps.split(",");
    startSeconds = new double[parts.length];
    ratesPerSecond = new double[parts.length];
    for (int i = 0; i < parts.length; i++) {
      String[] step = parts[i].split(":");
      startSeconds[i] = Double.parseDouble(step[0]);
      ratesPerSecond[i] = Double.parseDouble(step[1]);
    }
    this.startMs = startMs;
    this.total = total;
  }

  /** Records that all splits together have been offered. */
  long offered(long nowMs) {
    double elapsed = (nowMs - startMs) / 1000.0;
    double records = 0;
    for (int i = 0; i < startSeconds.length; i++) {
      double end = i + 1 < startSeconds.length ? Math.min(elapsed, startSeconds[i + 1]) : elapsed;
      if (end > startSeconds[i]) records += (end - startSeconds[i]) * ratesPerSecond[i];
    }
    return Math.min((long) records, total);
  }

  /** Records that one of the splits has been offered: they take turns. */
  long offered(int split, int splits, long nowMs) {
    long all = offered(nowMs);
    return all / splits + (split < all % splits ? 1 : 0);
  }
}
