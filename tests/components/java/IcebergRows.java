import java.io.File;
import java.net.URI;
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

/** Prints two columns of every row of a table on this disk, as Iceberg's reference implementation reads it. */
public final class IcebergRows {
  public static void main(String[] arguments) throws Exception {
    Table table = new BaseTable(new StaticTableOperations(arguments[0], new Disk()), "table");
    try (CloseableIterable<Record> rows = IcebergGenerics.read(table).build()) {
      for (Record row : rows) {
        System.out.println(row.getField(arguments[1]) + "\t" + row.getField(arguments[2]));
      }
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
