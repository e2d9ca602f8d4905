import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.storage.Converter;

/**
 * Connect's JsonConverter, and beside the fields the value as it came. No converter or transform of
 * its own keeps both.
 */
public final class PayloadConverter implements Converter {
  private final JsonConverter json = new JsonConverter();

  @Override
  public void configure(Map<String, ?> settings, boolean isKey) {
    json.configure(settings, isKey);
  }

  @Override
  public byte[] fromConnectData(String topic, Schema schema, Object value) {
    return json.fromConnectData(topic, schema, value);
  }

  @Override
  public SchemaAndValue toConnectData(String topic, byte[] value) {
    Map<Object, Object> fields =
        new LinkedHashMap<>((Map<?, ?>) json.toConnectData(topic, value).value());
    fields.put("_payload", new String(value, StandardCharsets.UTF_8));
    return new SchemaAndValue(null, fields);
  }
}
