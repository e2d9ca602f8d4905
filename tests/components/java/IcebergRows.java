import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.Files;
import org.apache.iceberg.StaticTableOperations;
import org.apache.iceberg.Table;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.io.FileIO;
import org.apache.iceberg.io.InputFile;
import org.apache.iceberg.io.OutputFile;

/**
 * Two columns of every row of tables on this disk, as Iceberg's reference implementation reads them.
 *
 * <p>Arguments are the columns. A line in is where a table's metadata lies; a line out is a row, and
 * an empty one follows on the last. It ends with its input.
 */
public final class IcebergRows {
  public static void main(String[] columns) throws Exception {
    BufferedReader asked =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String metadata = asked.readLine(); metadata != null; metadata = asked.readLine()) {
      Table table = new BaseTable(new StaticTableOperations(metadata, new Disk()), "table");
      StringBuilder told = new StringBuilder();
      try (CloseableIterable<Record> rows = IcebergGenerics.read(table).build()) {
        for (Record row : rows) {
          told.append(row.getField(columns[0])).append('\t').append(row.getField(columns[1]));
          told.append('\n');
        }
      }
      System.out.println(told);
      System.out.flush();
    }
  }

  private static final class Disk implements FileIO {
    @Override
    public InputFile newInputFile(String location) {
      return Files.localInput(new File(URI.create(location)));
    }

    @Override
    public OutputFile newOutputFile(String location) {
      throw new UnsupportedOperationException("read only");
    }

    @Override
    public void deleteFile(String location) {
      throw new UnsupportedOperationException("read only");
    }
  }
}
