import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/**
 * Spark SQL as a process that stays: a statement a line in, its rows a line out, until input ends.
 *
 * <p>Asked is {"sql": statement}, or {"sql": select, "as": name}, which keeps the rows in the driver
 * as a view that later changes of tables do not change. Told is {"rows": texts}, or {"error": text}.
 * Arguments are NAME=VALUE of Spark's configuration.
 */
public final class SparkSql {
  public static void main(String[] arguments) throws Exception {
    PrintStream answers = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    System.setOut(System.err); // what libraries print is no answer
    var builder = SparkSession.builder();
    for (String each : arguments) {
      builder.config(each.substring(0, each.indexOf('=')), each.substring(each.indexOf('=') + 1));
    }
    SparkSession spark = builder.getOrCreate();
    ObjectMapper json = new ObjectMapper();
    BufferedReader lines =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      ObjectNode told = json.createObjectNode();
      try {
        JsonNode asked = json.readTree(line);
        Dataset<Row> found = spark.sql(asked.get("sql").asText());
        List<Row> rows = found.collectAsList();
        if (asked.has("as")) {
          spark
              .createDataFrame(rows, found.schema())
              .createOrReplaceTempView(asked.get("as").asText());
          rows = List.of();
        }
        write(rows, told.putArray("rows"));
      } catch (Exception | StackOverflowError error) {
        error.printStackTrace();
        told.put("error", error.toString());
      }
      answers.println(json.writeValueAsString(told));
      answers.flush();
    }
    spark.stop();
  }

  private static void write(List<Row> rows, ArrayNode into) {
    for (Row row : rows) {
      ArrayNode values = into.addArray();
      for (int at = 0; at < row.length(); at++) {
        Object value = row.get(at);
        values.add(value == null ? null : value.toString());
      }
    }
  }
}
